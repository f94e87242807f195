/**
 * Looks at the page: a picture of each screen with the mock behind it, light and dark, in two sizes, and a
 * check of each for accessibility. Needs `npm run build:mock` and a Chromium (CHROMIUM=path, else /usr/bin/chromium).
 *
 *   node scripts/look.mjs [name part]     pictures go to looks/, which git ignores
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const OUT = new URL('../looks/', import.meta.url).pathname;
const SIZES = [
  { width: 1280, height: 800 },
  { width: 800, height: 600 },
];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const id = (name) => `[data-testid="${name}"]`;
const open = (name) => async (page) => page.locator(id('conversation-item'), { hasText: name }).click();
const click = (name) => async (page) => page.locator(id(name)).first().click();
const steps =
  (...list) =>
  async (page) => {
    for (const step of list) await step(page);
  };

/** What to look at: a world of the mock, and how to come there. */
const SCREENS = {
  welcome: { scene: '', go: async () => {} },
  create: {
    scene: '',
    go: steps(click('welcome-create'), async (page) => {
      await page.fill(id('create-nickname'), 'Ada');
      await page.waitForSelector('[data-acceptable="true"]');
      await page.check(id('create-written-down'));
    }),
  },
  'create-weak': {
    scene: '',
    go: steps(click('welcome-create'), async (page) => {
      await page.fill(id('create-passphrase'), 'ithaca12');
      await page.waitForTimeout(300);
    }),
  },
  'create-working': {
    scene: '',
    go: steps(click('welcome-create'), async (page) => {
      await page.fill(id('create-nickname'), 'Ada');
      await page.waitForSelector('[data-acceptable="true"]');
      await page.check(id('create-written-down'));
      await page.click(id('create-submit'));
      await page.waitForTimeout(700);
    }),
  },
  'sign-in': { scene: '', go: click('welcome-sign-in') },
  'sign-in-unknown': {
    scene: '',
    go: steps(click('welcome-sign-in'), async (page) => {
      await page.fill(id('sign-in-nickname'), 'Nobody');
      await page.fill(id('sign-in-passphrase'), 'wrong');
      await page.click(id('sign-in-submit'));
      await page.waitForSelector(id('sign-in-unknown'), { timeout: 8000 });
    }),
  },
  'confirm-new': {
    scene: '',
    go: steps(click('welcome-sign-in'), async (page) => {
      await page.fill(id('sign-in-nickname'), 'Nobody');
      await page.fill(id('sign-in-passphrase'), 'wrong');
      await page.click(id('sign-in-submit'));
      await page.click(id('sign-in-restore'), { timeout: 8000 });
      await page.waitForSelector(id('confirm-new'), { timeout: 8000 });
    }),
  },
  first: { scene: 'new', go: async () => {} },
  main: { scene: 'full', go: async () => {} },
  conversation: { scene: 'full', go: steps(open('Odysseus'), click('details-toggle')) },
  'conversation-files': { scene: 'full', go: open('Penelope') },
  'conversation-trouble': { scene: 'full', go: open('Telemachus') },
  'conversation-tricks': { scene: 'full', go: open('Circe') },
  'conversation-rtl': { scene: 'full', go: open('أريادني') },
  'conversation-requested': { scene: 'full', go: open('Calypso') },
  'conversation-blocked': { scene: 'full', go: open('One Eye') },
  'conversation-long': { scene: 'long', go: open('Odysseus') },
  explain: { scene: 'full', go: steps(open('Odysseus'), click('message-why')) },
  link: { scene: 'full', go: steps(open('Odysseus'), click('message-link')) },
  'confirm-remove': {
    scene: 'full',
    go: steps(open('Odysseus'), click('details-toggle'), click('details-remove')),
  },
  add: { scene: 'full', go: click('add-contact') },
  'add-wrong': {
    scene: 'full',
    go: steps(click('add-contact'), async (page) => {
      await page.fill(id('add-contact-address'), 'outil1qqq');
      await page.click(id('add-contact-submit'));
    }),
  },
  requests: { scene: 'full', go: click('requests-banner') },
  network: { scene: 'full', go: click('network-state') },
  'network-hidden': { scene: 'hidden', go: click('network-state') },
  'network-few': { scene: 'few', go: click('network-state') },
  'banner-few': { scene: 'few', go: open('Odysseus') },
  'banner-offline': { scene: 'offline', go: open('Calypso') },
  superseded: { scene: 'superseded', go: open('Odysseus') },
  sandbox: { scene: 'sandbox', go: open('Odysseus') },
  settings: { scene: 'full', go: click('settings') },
  shortcuts: { scene: 'full', go: async (page) => page.keyboard.press('Control+/') },
  german: { scene: 'full', locale: 'de-DE', go: steps(open('Odysseus'), click('details-toggle')) },
  'german-create': { scene: '', locale: 'de-DE', go: click('welcome-create') },
  'german-network': { scene: 'full', locale: 'de-DE', go: click('network-state') },
  'right-to-left': {
    scene: 'full',
    go: steps(open('Odysseus'), click('details-toggle'), async (page) => {
      await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    }),
  },
};

const wanted = process.argv[2] ?? '';
mkdirSync(OUT, { recursive: true });
const server = await preview({ build: { outDir: 'dist-mock' } });
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: FLAGS,
});
let faults = 0;
try {
  for (const [name, screen] of Object.entries(SCREENS)) {
    if (!name.includes(wanted)) continue;
    for (const colorScheme of ['light', 'dark']) {
      for (const viewport of SIZES) faults += await look(name, screen, colorScheme, viewport);
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(faults === 0 ? 'nothing found' : `${faults} found`);
process.exitCode = faults === 0 ? 0 : 1;

async function look(name, { scene, go, locale = 'en-GB' }, colorScheme, viewport) {
  const where = `${name}-${colorScheme}-${viewport.width}`;
  const context = await browser.newContext({
    viewport,
    colorScheme,
    locale,
    reducedMotion: 'reduce',
    bypassCSP: false,
  });
  // As the shell does.
  await context.addInitScript(() => Object.freeze(Object.prototype));
  const page = await context.newPage();
  let found = 0;
  const complain = (what) => {
    found += 1;
    console.log(`${where}: ${what}`);
  };
  page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  page.on('pageerror', (error) => complain(error.message));
  page.setDefaultTimeout(20_000);
  await page.goto(`http://127.0.0.1:1421/?scene=${scene}`);
  await page.waitForSelector('[data-testid]');
  await go(page).catch((error) => complain(error.message.split('\n')[0]));
  await page.evaluate(() => document.fonts.ready);
  await page.waitForTimeout(250);
  await page.screenshot({ path: `${OUT}${where}.png` });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (overflow) complain('wider than the window');
  if (viewport.width === 1280) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
    for (const { id: rule, impact, nodes } of violations) {
      complain(`${impact}: ${rule} at ${nodes[0].target.join(' ')} (${nodes.length} places)`);
    }
  }
  await context.close();
  return found;
}

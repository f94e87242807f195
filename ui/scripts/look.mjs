/**
 * Looks at the page: a picture of each screen with the mock behind it, light and dark, in two sizes, and a
 * check of each for accessibility. Needs `npm run build:mock` and a Chromium (CHROMIUM=path, else /usr/bin/chromium).
 *
 *   node scripts/look.mjs [name part] [variant]     pictures go to looks/, which git ignores; `light-1280` is a variant
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
const LOCALES = ['en-GB', 'de-DE'];
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

const menu = (text, item) =>
  steps(
    async (page) => page.locator(id('message'), { hasText: text }).click({ button: 'right' }),
    ...(item ? [click(item)] : []),
  );
const press = (key) => async (page) => page.keyboard.press(key);
const settings = (section) =>
  steps(click('settings'), async (page) =>
    page.click(`${id('settings-section')}[data-section="${section}"]`),
  );

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
  'message-menu': { scene: 'full', go: steps(open('Odysseus'), menu('The ship leaves')) },
  'message-reactions': {
    scene: 'full',
    go: steps(open('Odysseus'), menu('The ship leaves', 'more-reactions'), async (page) =>
      page.waitForSelector(id('emoji')),
    ),
  },
  'message-answer': {
    scene: 'full',
    go: steps(open('Odysseus'), menu('The ship leaves', 'menu-reply'), async (page) =>
      page.fill(id('composer'), 'By what wind?'),
    ),
  },
  'message-edit': { scene: 'full', go: steps(open('Odysseus'), menu('I will be there', 'menu-edit')) },
  'message-select': {
    scene: 'full',
    go: steps(open('Odysseus'), menu('The ship leaves', 'menu-select'), async (page) =>
      page.locator(id('message-select')).nth(2).check({ force: true }),
    ),
  },
  'message-delete': { scene: 'full', go: steps(open('Odysseus'), menu('I will be there', 'menu-delete')) },
  emoji: {
    scene: 'full',
    go: steps(open('Odysseus'), click('composer-emoji'), async (page) => {
      await page.waitForSelector(id('emoji'));
      await page.fill(id('emoji-search'), 'boat');
    }),
  },
  find: {
    scene: 'full',
    go: steps(open('Odysseus'), press('Control+F'), async (page) => {
      await page.fill(id('find-query'), 'nobody');
      await page.waitForTimeout(600);
    }),
  },
  'find-date': { scene: 'full', go: steps(open('Odysseus'), press('Control+F'), click('find-date')) },
  self: { scene: 'full', go: open('Note to self') },
  'conversation-menu': {
    scene: 'full',
    go: async (page) =>
      page.locator(id('conversation-item'), { hasText: 'Penelope' }).click({ button: 'right' }),
  },
  archive: {
    scene: 'full',
    go: steps(async (page) => {
      await page.locator(id('conversation-item'), { hasText: 'One Eye' }).click({ button: 'right' });
      await page.click(id('menu-archive'));
    }),
  },
  search: {
    scene: 'full',
    go: async (page) => {
      await page.fill(id('search'), 'no');
      await page.waitForSelector(id('search-hit'));
    },
  },
  palette: { scene: 'full', go: press('Control+K') },
  'palette-query': {
    scene: 'full',
    go: steps(press('Control+K'), async (page) => page.fill(id('palette-query'), 'pe')),
  },
  transfers: { scene: 'full', go: click('transfers') },
  'transfers-none': { scene: 'new', go: click('transfers') },
  qr: { scene: 'full', go: steps(open('Odysseus'), click('details-toggle'), click('details-qr')) },
  files: { scene: 'full', go: steps(open('Penelope'), click('details-toggle'), click('details-files')) },
  import: { scene: '', go: steps(click('welcome-sign-in'), click('sign-in-import')) },
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
  'settings-privacy': { scene: 'full', go: settings('privacy') },
  'settings-notifications': { scene: 'full', go: settings('notifications') },
  'settings-storage': { scene: 'full', go: settings('storage') },
  'settings-network': { scene: 'full', go: settings('network') },
  'settings-appearance': { scene: 'full', go: settings('appearance') },
  'settings-language': { scene: 'full', go: settings('language') },
  'settings-shortcuts': { scene: 'full', go: settings('shortcuts') },
  'settings-about': { scene: 'full', go: settings('about') },
  'settings-password': { scene: 'full', go: steps(click('settings'), click('settings-password')) },
  'settings-delete': { scene: 'full', go: steps(click('settings'), click('settings-delete')) },
  'large-text': {
    scene: 'full',
    go: steps(
      settings('appearance'),
      async (page) => page.selectOption(id('settings-zoom'), '150'),
      open('Odysseus'),
    ),
  },
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
const variant = process.argv[3] ?? '';
mkdirSync(OUT, { recursive: true });
const server = await preview({ build: { outDir: 'dist-mock' } });
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: FLAGS,
});
let faults = 0;
try {
  for (const colorScheme of ['light', 'dark']) {
    for (const viewport of SIZES) {
      if (!`${colorScheme}-${viewport.width}`.includes(variant)) continue;
      for (const locale of LOCALES) faults += await lookAll(colorScheme, viewport, locale);
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(faults === 0 ? 'nothing found' : `${faults} found`);
process.exitCode = faults === 0 ? 0 : 1;

/** One context for all screens of a variant: the page's files are read once. */
async function lookAll(colorScheme, viewport, locale) {
  const screens = Object.entries(SCREENS).filter(
    ([name, screen]) => name.includes(wanted) && (screen.locale ?? LOCALES[0]) === locale,
  );
  if (screens.length === 0) return 0;
  const context = await browser.newContext({ viewport, colorScheme, locale, reducedMotion: 'reduce' });
  // As the shell does.
  await context.addInitScript(() => Object.freeze(Object.prototype));
  let found = 0;
  for (const [name, screen] of screens) {
    found += await look(context, `${name}-${colorScheme}-${viewport.width}`, screen, viewport);
  }
  await context.close();
  return found;
}

async function look(context, where, { scene, go }, viewport) {
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
  await page.close();
  return found;
}

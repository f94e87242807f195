#!/usr/bin/env node
// Fails where README or the window claims more than docs/REQUIREMENTS.md can show.
//
// A text with a claiming word in it (anonymous, never, nobody, …) must name a requirement: in README in the same
// paragraph, list item or table row, as R8; for the window in ui/src/lib/i18n/claims.json, under the key of the text.
// The requirement must have a test, or the text must say "not yet". What only sounds like a claim says so, where
// review sees it: `<!-- no claim: why -->` in README, "no claim: why" in claims.json; and a text that the program
// shows only where a promise holds that nothing shows yet: "not shown before R8: why".
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLAIMING =
  /\b(anonym\w*|encrypt\w*|seal(ed|s)?|secure\w*|safe(ly)?|privat\w*|privacy|secrets?|secretly|hid(e|es|den)|invisible|never|nobody|no one|nothing|none of|cannot|can't|impossible|always|guarantee\w*|protect\w*|untrace\w*|unlink\w*|traces?|wip(e|es|ed)|forgotten|only the two|no (server|log|account list|internet address|metadata)|not told|survives?|exactly once)\b/i;

const REFERENCE = /\bR(\d+)\b/g;
const NO_CLAIM = /\bno claim: \S/;
const NOT_SHOWN = /\bnot shown before R\d+: \S/;
const NOT_YET = /\bnot yet\b/i;

/** Everything wrong, as sentences. Takes texts, so that its own tests can give it bad ones. */
export function problems({ requirements, readme, catalogue, claims, sources, checks, exists }) {
  const known = readRequirements(requirements);
  return [
    ...testProblems(known, { sources, checks, exists }),
    ...readBlocks(readme).flatMap((block) => claimProblems(`README.md:${block.line}`, block.text, block.text, known)),
    ...catalogueProblems(readCatalogue(catalogue), claims, known),
  ];
}

/** Number → { title, shownBy: names of tests; empty while nothing shows it }. */
export function readRequirements(markdown) {
  const sections = markdown.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [, number, title] = /^R(\d+)\. (.+)/.exec(section) ?? [];
      const shown = /^Shown by: ([\s\S]*?)(?=\n\n|\n#|$(?![\s\S]))/m.exec(section)?.[1] ?? '';
      return [Number(number), { title, shownBy: [...shown.matchAll(/`([^`]+)`/g)].map((match) => match[1]) }];
    }),
  );
}

/** Paragraphs, list items and table rows, without code. A heading belongs to what follows it. */
export function readBlocks(markdown) {
  const blocks = [];
  let block = null;
  let inCode = false;
  markdown.split('\n').forEach((line, index) => {
    if (line.startsWith('```')) inCode = !inCode;
    const isHeading = line.startsWith('#');
    const isBreak = inCode || line.startsWith('```') || line.trim() === '';
    if (isBreak || isHeading || /^\s*([-*]|\d+\.|\|) ?/.test(line)) {
      if (!block?.isHeading || isHeading) block = null;
    }
    if (isBreak) return;
    if (!block) blocks.push((block = { line: index + 1, text: '' }));
    block.isHeading = isHeading;
    block.text += `${line}\n`;
  });
  return blocks;
}

/** Key → text, from the lines of `export const en = { … }`. */
export function readCatalogue(typescript) {
  const entries = typescript.matchAll(/^ {2}'([\w.]+)':([\s\S]*?)(?=^ {2}'[\w.]+':|^\})/gm);
  return new Map([...entries].map(([, key, body]) => [key, body.trim()]));
}

function claimProblems(where, text, saidAbout, known) {
  const referenced = [...saidAbout.matchAll(REFERENCE)].map((match) => Number(match[1]));
  const found = referenced.flatMap((number) => {
    const requirement = known.get(number);
    if (!requirement) return [`${where}: R${number} is no requirement`];
    const isShown = requirement.shownBy.length > 0 || NOT_YET.test(text) || NOT_SHOWN.test(saidAbout);
    return isShown ? [] : [`${where}: nothing shows R${number} (${requirement.title}) yet, so it cannot be claimed`];
  });
  const word = CLAIMING.exec(withoutMarkup(text))?.[0];
  if (word && referenced.length === 0 && !NO_CLAIM.test(saidAbout)) {
    found.push(`${where}: "${word}" claims something and names no requirement`);
  }
  return found;
}

function catalogueProblems(catalogue, claims, known) {
  const stale = Object.keys(claims).filter((key) => !catalogue.has(key));
  return [
    ...stale.map((key) => `claims.json: there is no text ${key}`),
    ...[...catalogue].flatMap(([key, text]) => claimProblems(`the window's ${key}`, text, claims[key] ?? '', known)),
  ];
}

function testProblems(known, { sources, checks, exists }) {
  return [...known].flatMap(([number, { shownBy }]) =>
    shownBy
      .filter((name) => !testExists(name, { sources, checks, exists }))
      .map((name) => `docs/REQUIREMENTS.md: R${number} names a test that does not exist: ${name}`),
  );
}

function testExists(name, { sources, checks, exists }) {
  if (name.startsWith('check ')) return new RegExp(`^ *${name} `, 'm').test(checks);
  if (name.endsWith('.test.ts')) return exists(name);
  const last = name.split('::').at(-1);
  const declaration = new RegExp(`#\\[[^\\]]*\\btest\\b[^\\]]*\\](\\s*#\\[[^\\]]*\\])*\\s*(async )?fn ${last}\\b`);
  return /^\w+$/.test(last) && sources.some((source) => declaration.test(source));
}

/** Links keep their words and lose their addresses; comments and inline code go. */
function withoutMarkup(text) {
  return text.replace(/<!--[\s\S]*?-->/g, '').replace(/\]\([^)]*\)/g, ']').replace(/`[^`]*`/g, '');
}

function main() {
  const root = join(import.meta.dirname, '..');
  const read = (path) => readFileSync(join(root, path), 'utf8');
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.rs'], { cwd: root });
  const found = problems({
    requirements: read('docs/REQUIREMENTS.md'),
    readme: read('README.md'),
    catalogue: read('ui/src/lib/i18n/en.ts'),
    claims: JSON.parse(read('ui/src/lib/i18n/claims.json')),
    sources: String(listed).split('\n').filter((path) => path && existsSync(join(root, path))).map(read),
    checks: read('scripts/test'),
    exists: (path) => existsSync(join(root, path)),
  });
  found.forEach((problem) => console.error(problem));
  process.exitCode = found.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

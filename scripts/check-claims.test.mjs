// The positive control of check-claims.mjs: each kind of dishonesty, which it must find.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problems, readBlocks } from './check-claims.mjs';

const requirements = `
### R1. Weak passwords are refused
None is accepted.
Shown by: \`outis_identity::weak_passwords_are_refused\`

### R8. Nobody learns an address
In namespaces.
Shown by: not yet

### R11. Content does not run
Of 500 payloads none does.
Shown by: \`ui/src/content.test.ts\`, \`check deny\`
`;

const honest = {
  requirements,
  readme: '# Outis\nNobody opens it with a weak password (R1).\n\nAddresses are hidden: not yet (R8).\n',
  catalogue: "export const en = {\n  'a.title': 'Create account',\n  'a.text':\n    'Weak passwords are never accepted',\n} as const;\n",
  claims: { 'a.text': 'R1' },
  sources: ['    #[tokio::test]\n    async fn weak_passwords_are_refused() {'],
  checks: '    check deny     "licences" cargo deny',
  exists: (path) => path === 'ui/src/content.test.ts',
};

const finds = (change, expected) => assert.deepEqual(problems({ ...honest, ...change }), [expected]);

test('an honest project passes', () => {
  assert.deepEqual(problems(honest), []);
});

test('a claim in README without a number is found', () => {
  finds({ readme: 'Hello.\n\nIt is anonymous.\n' }, 'README.md:3: "anonymous" claims something and names no requirement');
});

test('a number in the next list item does not count', () => {
  finds({ readme: '- Never tracked.\n- Strong passwords (R1).\n' }, 'README.md:1: "Never" claims something and names no requirement');
});

test('a claim in a heading is found', () => {
  finds({ readme: '# An encrypted messenger\n' }, 'README.md:1: "encrypted" claims something and names no requirement');
});

test('a number that is no requirement is found', () => {
  finds({ readme: 'It is anonymous (R99).\n' }, 'README.md:1: R99 is no requirement');
});

test('a claim that nothing shows yet is found', () => {
  finds({ readme: 'Your address is hidden (R8).\n' }, 'README.md:1: nothing shows R8 (Nobody learns an address) yet, so it cannot be claimed');
});

test('a claim in the window without a number is found', () => {
  finds({ claims: {} }, 'the window\'s a.text: "never" claims something and names no requirement');
});

test('a claim in the window that nothing shows yet is found', () => {
  finds({ claims: { 'a.text': 'R8' } }, "the window's a.text: nothing shows R8 (Nobody learns an address) yet, so it cannot be claimed");
});

test('an entry for a text that is gone is found', () => {
  finds({ claims: { ...honest.claims, 'a.gone': 'R1' } }, 'claims.json: there is no text a.gone');
});

test('a named test that does not exist is found', () => {
  finds({ sources: ['fn weak_passwords_are_refused() {}'] }, 'docs/REQUIREMENTS.md: R1 names a test that does not exist: outis_identity::weak_passwords_are_refused');
});

test('a named check or file that does not exist is found', () => {
  finds({ checks: '' }, 'docs/REQUIREMENTS.md: R11 names a test that does not exist: check deny');
  finds({ exists: () => false }, 'docs/REQUIREMENTS.md: R11 names a test that does not exist: ui/src/content.test.ts');
});

test('what only sounds like a claim may say so', () => {
  assert.deepEqual(problems({ ...honest, readme: 'Outis is Greek for nobody. <!-- no claim: the name -->\n', claims: { 'a.text': 'no claim: an example' } }), []);
});

test('a text of the window may wait for its promise', () => {
  assert.deepEqual(problems({ ...honest, claims: { 'a.text': 'not shown before R8: circuits' } }), []);
  finds({ claims: { 'a.text': 'not shown before R99: circuits' } }, "the window's a.text: R99 is no requirement");
});

test('code is not read, and lines are counted with it', () => {
  assert.deepEqual(readBlocks('a\n\n```sh\nnever\n```\nb\n').map(({ line, text }) => [line, text]), [[1, 'a\n'], [6, 'b\n']]);
});

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MockBackend } from '$lib/api/mock';
import { ADVICE } from '$lib/state/words';
import { sources } from './sources';

const files = sources('src', /\.(svelte|ts|css)$/).filter((file) => !file.includes('generated'));
const read = (file: string): string => readFileSync(file, 'utf8');
const holding = (pattern: RegExp): string[] => files.filter((file) => pattern.test(read(file)));

describe('the page', () => {
  it('knows of the shell in one file', () => {
    expect(holding(/@tauri-apps/)).toEqual(['src/lib/api/tauri.ts']);
  });

  it('writes no markup from text', () => {
    expect(holding(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write/)).toEqual([]);
  });

  it('names no other place to load from', () => {
    const remote = files.filter((file) =>
      [...read(file).matchAll(/(https?:)?\/\/[\w.-]+\.\w+/g)].some(
        ([url]) => !/example\.org|www\.w3\.org/.test(url) && url.includes('http'),
      ),
    );
    expect(remote).toEqual([]);
    expect(read('index.html')).not.toMatch(/https?:/);
  });

  it('keeps nothing in the web view', () => {
    expect(holding(/localStorage|sessionStorage|indexedDB|document\.cookie|caches\./)).toEqual([]);
  });

  it('uses logical sides, so that it can be read from the right', () => {
    expect(
      holding(/(margin|padding|border|inset)-(left|right)\b|text-align: (left|right)|^\s*(left|right):/m),
    ).toEqual([]);
  });

  it('keeps its components small', () => {
    const long = files.filter((file) => file.endsWith('.svelte') && read(file).split('\n').length > 300);
    expect(long).toEqual([]);
  });

  it('lists every test id in the README', () => {
    const readme = read('README.md');
    const ids = new Set(
      files.flatMap((file) =>
        [...read(file).matchAll(/(?:data-testid|testid)="([a-z-]+)"/g)].map((match) => match[1] ?? ''),
      ),
    );
    expect([...ids].filter((id) => !readme.includes(`\`${id}\``)).sort()).toEqual([]);
  });
});

describe('the shell', () => {
  const capability = '../src-tauri/capabilities/main.json';

  it.skipIf(!existsSync(capability))(
    'is asked for nothing that it does not allow, and allows nothing more',
    () => {
      const { permissions } = JSON.parse(read(capability)) as { permissions: string[] };
      const allowed = permissions.filter((permission) => permission.startsWith('allow-'));
      const asked = MockBackend.methods().map((method) => `allow-${method.replace(/[._]/g, '-')}`);
      expect(asked.sort()).toEqual(allowed.sort());
    },
  );
});

describe('the core', () => {
  const source = '../crates/app/src/account.rs';

  it.skipIf(!existsSync(source))('gives no advice that we have no words for', () => {
    const given = [...read(source).matchAll(/Advice::\w+ => "([^"]+)"/g)].map((match) => match[1]);
    expect(given.length).toBeGreaterThan(5);
    expect(given.sort()).toEqual(Object.keys(ADVICE).sort());
  });
});

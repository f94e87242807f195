import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Entry } from '$lib/i18n/catalogue';
import { en } from '$lib/i18n/en';
import { bestLanguage, languages } from '$lib/i18n/languages';
import { holes, translate } from '$lib/i18n/translate';
import { I18nState } from '$lib/state/i18n.svelte';
import { sources } from './sources';

const english: Record<string, Entry> = en;
const others = Object.entries(languages).filter(([tag]) => tag !== 'en');
const forms = (entry: Entry): string[] => (typeof entry === 'string' ? [entry] : [entry.one, entry.other]);
const holesOf = (entry: Entry): string[] => holes(forms(entry).join(' '));

describe.each(others)('the language %s', (_, catalogue) => {
  const entries: Record<string, Entry> = catalogue;

  it('has every key and no other', () => {
    expect(Object.keys(entries).sort()).toEqual(Object.keys(english).sort());
  });

  it('has the same holes in each sentence', () => {
    for (const key of Object.keys(english)) {
      expect(holesOf(entries[key] ?? ''), key).toEqual(holesOf(english[key] ?? ''));
    }
  });

  it('has no empty sentence', () => {
    for (const [key, entry] of Object.entries(entries)) {
      for (const form of forms(entry)) expect(form.trim(), key).not.toBe('');
    }
  });

  it('is not English under another name', () => {
    const same = Object.keys(english)
      .filter((key) => !key.endsWith('.placeholder'))
      .filter(
        (key) =>
          JSON.stringify(entries[key]) === JSON.stringify(english[key]) &&
          forms(english[key] ?? '').join().length > 24,
      );
    expect(same).toEqual([]);
  });
});

describe('the catalogue', () => {
  const text = sources('src', /\.(svelte|ts)$/)
    .filter((file) => !/i18n\/(en|de)\.ts$/.test(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

  it('has no sentence that nobody says', () => {
    const prefixes = [...text.matchAll(/`([a-z_.]+\.)\$\{/g)].map((match) => match[1] ?? '');
    const unused = Object.keys(english).filter(
      (key) => !text.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });

  it('holds every word that is on a screen', () => {
    const stray = sources('src', /\.svelte$/).flatMap((file) => {
      const markup = readFileSync(file, 'utf8')
        .replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, '')
        .replace(/\{[^{}]*(\{[^{}]*(\{[^{}]*\}[^{}]*)*\}[^{}]*)*\}/g, '');
      const words = [...markup.matchAll(/>([^<>]*\p{L}{2,}[^<>]*)</gu)].map((match) =>
        (match[1] ?? '').trim(),
      );
      return words.filter((word) => !/[=)("'`]/.test(word)).map((word) => `${file}: ${word}`);
    });
    expect(stray).toEqual([]);
  });

  it('promises nothing that is not so', () => {
    for (const [tag, catalogue] of Object.entries(languages)) {
      for (const entry of Object.values(catalogue)) {
        for (const form of forms(entry)) {
          expect(form, tag).not.toMatch(/untraceable|100\s?%|completely anonymous|unbreakable|military/i);
        }
      }
    }
  });
});

describe('a sentence', () => {
  it('chooses its form by number', () => {
    expect(translate(languages.en, 'en', 'sidebar.requests', { count: 1 })).toBe('1 request from a stranger');
    expect(translate(languages.en, 'en', 'sidebar.requests', { count: 1_200 })).toBe(
      '1,200 requests from strangers',
    );
    expect(translate(languages.de, 'de', 'sidebar.requests', { count: 1_200 })).toBe(
      '1.200 Anfragen von Fremden',
    );
  });

  it('isolates and uncovers what is put in', () => {
    expect(translate(languages.en, 'en', 'composer.label', { name: 'a\u202Eb' })).toBe(
      'Message \u2068a‹U+202E›b\u2069',
    );
  });

  it('takes what looks like a hole in a name for a name', () => {
    expect(translate(languages.en, 'en', 'details.remove.text', { name: '{count}' })).toContain(
      '\u2068{count}\u2069',
    );
  });
});

describe('the chosen language', () => {
  it('follows the system until one is chosen', () => {
    const i18n = new I18nState(['fr-FR', 'de-AT', 'en']);
    expect(i18n.language).toBe('de');
    expect(i18n.locale).toBe('de-AT');
    i18n.choose('en');
    expect(i18n.t('action.close')).toBe('Close');
    i18n.choose(null);
    expect(i18n.t('action.close')).toBe('Schließen');
  });

  it('is English for whom we have no better', () => {
    expect(bestLanguage(['fr', 'x'])).toBe('en');
    expect(bestLanguage(['constructor'])).toBe('en');
  });

  it('takes a language that is not there for none', () => {
    const i18n = new I18nState(['en-GB']);
    i18n.choose('toString');
    expect(i18n.language).toBe('en');
  });
});

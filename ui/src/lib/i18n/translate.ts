import { visible } from '$lib/text/safe';
import type { Catalogue, Entry, Key } from './catalogue';

/**
 * Fills a sentence. Text that is put in is isolated, so that its direction cannot turn the sentence round, and
 * its hidden characters are shown.
 */
export function translate(
  catalogue: Catalogue,
  locale: string,
  key: Key,
  values: Record<string, string | number> = {},
): string {
  const sentence = choose(catalogue[key], locale, values);
  return sentence.replace(HOLE, (hole, name: string) => {
    const value = values[name];
    if (value === undefined) return hole;
    return typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : isolate(visible(value));
  });
}

/** The names of a sentence's holes, for checking languages against each other. */
export function holes(sentence: string): string[] {
  return [...new Set([...sentence.matchAll(HOLE)].map((match) => match[1] ?? ''))].sort();
}

function choose(entry: Entry, locale: string, values: Record<string, string | number>): string {
  if (typeof entry === 'string') return entry;
  const count = values['count'];
  const form = new Intl.PluralRules(locale).select(typeof count === 'number' ? count : 0);
  return form === 'one' ? entry.one : entry.other;
}

function isolate(text: string): string {
  return `\u2068${text}\u2069`;
}

const HOLE = /\{([a-z_]+)\}/g;

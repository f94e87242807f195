import type { Catalogue } from './catalogue';
import { de } from './de';
import { en } from './en';

/** The languages there are, whole. */
export const languages = { en, de } as const satisfies Record<string, Catalogue>;

export type Language = keyof typeof languages;

export function isLanguage(tag: string | null): tag is Language {
  return tag !== null && Object.hasOwn(languages, tag);
}

/** The first of the person's languages that we have. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.split('-')[0]?.toLowerCase() ?? '';
    if (isLanguage(language)) return language;
  }
  return 'en';
}

import type { Language } from '$lib/i18n/languages';

/** One emoji with the words by which it is found. */
export interface Emoji {
  sign: string;
  label: string;
  words: string;
  group: Group;
}

export const GROUPS = [
  'people',
  'nature',
  'food',
  'travel',
  'activities',
  'objects',
  'symbols',
  'flags',
] as const;
export type Group = (typeof GROUPS)[number];

/** What most people answer with. */
export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏'] as const;

/** All of them in a language, read from the bundle the first time somebody looks. */
export async function emojis(language: Language): Promise<readonly Emoji[]> {
  loaded[language] ??= (await SOURCES[language]()).default
    .flatMap(known)
    .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.order - b.order);
  return loaded[language];
}

/** Those whose words begin with each of these words. */
export function matching(all: readonly Emoji[], query: string, most = 120): Emoji[] {
  const wanted = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ words }: Emoji): boolean => wanted.every((word) => words.includes(` ${word}`));
  return all.filter(fits).slice(0, most);
}

/** Whether a text is nothing but a few emoji: those are drawn large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 40 && ONLY_EMOJI.test(text);
}

interface Source {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
}

function known({ unicode, label, tags = [], group, order = 0 }: Source): (Emoji & { order: number })[] {
  const name = group === undefined ? undefined : GROUP_NUMBERS[group];
  if (name === undefined) return [];
  return [
    { sign: unicode, label, words: ` ${[label, ...tags].join(' ').toLocaleLowerCase()}`, group: name, order },
  ];
}

const loaded: Partial<Record<Language, readonly Emoji[]>> = {};

const SOURCES: Record<Language, () => Promise<{ default: Source[] }>> = {
  en: () => import('emojibase-data/en/compact.json'),
  de: () => import('emojibase-data/de/compact.json'),
};

// As Unicode numbers them; 2 holds pieces such as skin tones.
const GROUP_NUMBERS: Record<number, Group> = {
  0: 'people',
  1: 'people',
  3: 'nature',
  4: 'food',
  5: 'travel',
  6: 'activities',
  7: 'objects',
  8: 'symbols',
  9: 'flags',
};

const ONE = String.raw`(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?(?:\u200D\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier})?)*)`;
const ONLY_EMOJI = new RegExp(String.raw`^\s*${ONE}(?:\s*${ONE}){0,2}\s*$`, 'u');

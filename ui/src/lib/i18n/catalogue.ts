import type { en } from './en';

/** A sentence, or its forms by number. `{name}` marks what is put in; `{count}` chooses the form. */
export type Entry = string | { readonly one: string; readonly other: string };

export type Key = keyof typeof en;

/** A complete language: the compiler refuses one in which a key is missing. */
export type Catalogue = {
  readonly [K in Key]: (typeof en)[K] extends string ? string : Exclude<Entry, string>;
};

/** The holes of a sentence, read off its text. */
type Holes<S> = S extends `${string}{${infer Hole}}${infer Rest}` ? Hole | Holes<Rest> : never;

type EntryHoles<K extends Key> = (typeof en)[K] extends { other: infer S } ? Holes<S> : Holes<(typeof en)[K]>;

/** The arguments after the key: none where the sentence has no holes, else a value for each. */
export type Values<K extends Key> = [EntryHoles<K>] extends [never]
  ? []
  : [values: Record<EntryHoles<K>, string | number>];

/** Keys that start with `prefix`, without it: for words chosen by a code (`error.` + code). */
export type KeyUnder<P extends string> = Key extends infer K
  ? K extends `${P}${infer Rest}`
    ? Rest
    : never
  : never;

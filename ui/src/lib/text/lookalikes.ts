/**
 * Names that look like others. Anybody can choose any name, so a stranger can take one that the eye cannot tell from a
 * contact's: with a letter of another alphabet, another accent, a digit for a letter. The address tells who it is; this
 * tells the person to look at it.
 *
 * The tables hold what the eye confuses with Latin letters in common fonts (after Unicode TS 39), not every pair there
 * is: what is missing here is a warning that does not come, never a wrong identity.
 */

/** What the eye makes of a name: two names with the same skeleton look alike. */
export function skeleton(name: string): string {
  const letters = [...name.normalize('NFKD')]
    .filter((letter) => !UNSEEN.test(letter))
    .map((letter) => LATIN[letter] ?? letter)
    .join('')
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '');
  const folded = [...letters].map((letter) => LATIN[letter] ?? letter).join('');
  return folded
    .replace(/[1|!i]/g, 'l')
    .replace(/0/g, 'o')
    .replace(/5/g, 's')
    .replace(/rn/g, 'm')
    .replace(/vv/g, 'w')
    .replace(/[\s._\-'’]+/g, '');
}

/** Whether the two look alike without being the same. */
export function looksLike(name: string, other: string): boolean {
  const seen = skeleton(name);
  return seen !== '' && seen === skeleton(other);
}

/** Which of a word's letters come from another alphabet than most of it, by their place in the text. */
export function oddLetters(text: string): Set<number> {
  const odd = new Set<number>();
  const letters = [...text];
  let word: number[] = [];
  const close = (): void => {
    for (const index of strangers(letters, word)) odd.add(index);
    word = [];
  };
  letters.forEach((letter, index) => {
    if (/[\p{L}\p{M}]/u.test(letter)) word.push(index);
    else close();
  });
  close();
  return odd;
}

/** The alphabet of a letter, for those that are mixed to deceive; honest mixtures (such as Japanese) have none. */
export function alphabet(letter: string): string | null {
  for (const [name, pattern] of ALPHABETS) if (pattern.test(letter)) return name;
  return null;
}

function strangers(letters: readonly string[], word: readonly number[]): number[] {
  const counts = new Map<string, number>();
  const names = word.map((index) => alphabet(letters[index] ?? ''));
  for (const name of names) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  if (counts.size < 2) return [];
  const [home] = [...counts].reduce((most, next) => (next[1] > most[1] ? next : most));
  return word.filter((_, at) => names[at] !== null && names[at] !== home);
}

const ALPHABETS: [name: string, pattern: RegExp][] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Coptic', /\p{Script=Coptic}/u],
  ['Georgian', /\p{Script=Georgian}/u],
  ['Lisu', /\p{Script=Lisu}/u],
];

// Marks, controls, and whatever else takes no place of its own.
const UNSEEN = /[\p{M}\p{Cf}\p{Cc}\u115F\u1160\u3164\uFFA0]/u;

const LATIN: Record<string, string | undefined> = Object.fromEntries(
  Object.entries({
    a: 'аɑαᴀ⍺',
    b: 'ЬьƅᏏ',
    c: 'сϲᴄⅽⲥ',
    d: 'ԁⅾᏧ',
    e: 'еєҽ℮ⅇ',
    f: 'ꞙẝ',
    g: 'ɡցᶃ',
    h: 'һհᏂ',
    i: 'іıɩιӏⅰ',
    j: 'јϳ',
    k: 'кκᴋ',
    l: 'ⅼןǀ',
    m: 'мⅿᴍ',
    n: 'пոռ',
    o: 'оοօσᴏⲟ০੦',
    p: 'рρ⍴ⲣ',
    q: 'ԛգ',
    r: 'гᴦⲅ',
    s: 'ѕꜱƽ',
    t: 'тτᴛ',
    u: 'υսᴜ',
    v: 'νѵᴠⅴ',
    w: 'ѡԝᴡ',
    x: 'хχⅹ',
    y: 'уγỿүყ',
    z: 'ᴢ',
    A: 'АΑᎪꓮ',
    B: 'ВΒᏴꓐ',
    C: 'СϹᏟꓚⅭ',
    D: 'ᎠꓓⅮ',
    E: 'ЕΕᎬꓰ',
    F: 'Ϝꓝ',
    G: 'ԌᏀꓖ',
    H: 'НΗᎻꓧ',
    I: 'ІΙӀⅠ',
    J: 'ЈᎫꓙ',
    K: 'КΚᏦꓗ',
    L: 'Ꮮꓡ',
    M: 'МΜᎷꓟ',
    N: 'Νꓠ',
    O: 'ОΟՕꓳ',
    P: 'РΡᏢꓑ',
    Q: 'Ԛ',
    R: 'Ꮢꓣ',
    S: 'ЅՏᏚꓢ',
    T: 'ТΤᎢꓔ',
    U: 'Սꓴ',
    V: 'ѴᏙꓦ',
    W: 'ԜᎳꓪ',
    X: 'ХΧꓫ',
    Y: 'УΥҮꓬ',
    Z: 'ΖᏃꓜ',
  }).flatMap(([latin, others]) => [...others].map((other): [string, string] => [other, latin])),
);

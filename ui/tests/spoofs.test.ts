/**
 * What somebody might do to be taken for another, and that it is shown. Every case is first shown to be one: without
 * our marks the eye, or the code that compares, is deceived.
 */
import { describe, expect, it } from 'vitest';
import { lookalike } from '$lib/domain/contact';
import { looksLike, oddLetters } from '$lib/text/lookalikes';
import { bodyPieces, linkHost, namePieces, visible } from '$lib/text/safe';
import { contact } from './made';

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
const name = (code: number): string => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;

const TURNING = [0x061c, 0x200e, 0x200f, ...range(0x202a, 0x202e), ...range(0x2066, 0x2069)];
const UNSEEN = [
  0x00ad, 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180e, 0x200b, 0x200c, 0x200d, 0x2060, 0x2061, 0x2062,
  0x2063, 0x2064, 0x206a, 0x206b, 0x206c, 0x206d, 0x206e, 0x206f, 0x3164, 0xfeff, 0xffa0, 0xfff9, 0xfffa,
  0xfffb, 0xe0001, 0xe0041, 0xe007f,
];
const CONTROLS = [...range(0x00, 0x1f), ...range(0x7f, 0x9f), 0x2028, 0x2029];

const hidden = [...TURNING, ...UNSEEN, ...CONTROLS].flatMap((code) =>
  ['Odysseus', 'invoice.pdf'].map((whole) => {
    const sign = String.fromCodePoint(code);
    return { code: name(code), sign, whole, spoof: whole.slice(0, 3) + sign + whole.slice(3) };
  }),
);

describe('a hidden character in a name', () => {
  it.each(hidden)('$code in $whole is shown', ({ code, sign, whole, spoof }) => {
    // The control: taken away, nothing of it is left to see.
    expect(spoof).not.toBe(whole);
    expect(spoof.replace(sign, '')).toBe(whole);

    const pieces = namePieces(spoof);
    expect(pieces.filter((piece) => piece.kind === 'control')).toEqual([{ kind: 'control', code }]);
    expect(visible(spoof)).not.toContain(sign);
    expect(visible(spoof)).toContain(code);
  });
});

/** One letter of a name changed for one of another alphabet that looks the same. */
const FOREIGN: [name: string, spoof: string][] = [
  ['Odysseus', 'Оdysseus'],
  ['Odysseus', 'Οdysseus'],
  ['Odysseus', 'Օdysseus'],
  ['Odysseus', 'Odуsseus'],
  ['Odysseus', 'Odγsseus'],
  ['Odysseus', 'Odyѕseus'],
  ['Odysseus', 'Odysѕeus'],
  ['Odysseus', 'Odyssеus'],
  ['Odysseus', 'Odysseսs'],
  ['Odysseus', 'Odysseuѕ'],
  ['Odysseus', 'Oԁysseus'],
  ['Penelope', 'Рenelope'],
  ['Penelope', 'Ρenelope'],
  ['Penelope', 'Pеnelope'],
  ['Penelope', 'Penеlope'],
  ['Penelope', 'Penelοpe'],
  ['Penelope', 'Penelоpe'],
  ['Penelope', 'Peneloрe'],
  ['Penelope', 'Peneloρe'],
  ['Penelope', 'Penelopе'],
  ['Penelope', 'Ꮲenelope'],
  ['Telemachus', 'Тelemachus'],
  ['Telemachus', 'Τelemachus'],
  ['Telemachus', 'Telemаchus'],
  ['Telemachus', 'Telemαchus'],
  ['Telemachus', 'Telemaсhus'],
  ['Telemachus', 'Telemacһus'],
  ['Telemachus', 'Telemachυs'],
  ['Telemachus', 'Tеlemachus'],
  ['Alice', 'Аlice'],
  ['Alice', 'Αlice'],
  ['Alice', 'Alісe'],
  ['Alice', 'Ꭺlice'],
  ['Bob', 'Вob'],
  ['Bob', 'Βob'],
  ['Bob', 'Bоb'],
  ['Xerxes', 'Хerxes'],
  ['Xerxes', 'Χerxes'],
  ['Xerxes', 'Xerхes'],
  ['Kirke', 'Кirke'],
  ['Kirke', 'Κirke'],
  ['Kirke', 'Kirκe'],
  ['Homer', 'Нomer'],
  ['Homer', 'Ηomer'],
  ['Homer', 'Hоmer'],
  ['Mentor', 'Мentor'],
  ['Mentor', 'Μentor'],
  ['Mentor', 'Mentοr'],
  ['Zeno', 'Ζeno'],
  ['Ino', 'Іno'],
];

/** Changed without another alphabet: digits, accents, widths, gaps, and one alphabet throughout. */
const WHOLE: [name: string, spoof: string][] = [
  ['Odysseus', '0dysseus'],
  ['Odysseus', 'Ody55eus'],
  ['Odysseus', 'Ｏｄｙｓｓｅｕｓ'],
  ['Odysseus', 'Ódysseus'],
  ['Odysseus', 'Odysseus\u0323'],
  ['Odysseus', 'odysseus'],
  ['Odysseus', 'Odys seus'],
  ['Odysseus', 'Odysseus\u00A0'],
  ['Odysseus', '𝐎𝐝𝐲𝐬𝐬𝐞𝐮𝐬'],
  ['Odysseus', '𝒪𝒹𝓎𝓈𝓈ℯ𝓊𝓈'],
  ['Odysseus', 'Ody\u200Bsseus'],
  ['Alice', 'Alice.'],
  ['Alice', 'A1ice'],
  ['Alice', 'AIice'],
  ['Alice', 'A|ice'],
  ['Alice', 'Alïce'],
  ['Mentor', 'rnentor'],
  ['Kirke', 'Kirke_'],
  ['Homer', 'Horner'],
  ['Owl', 'Ovvl'],
  ['Paco', 'Расо'],
  ['Xaoc', 'Хаос'],
  ['Poco', 'Росо'],
  ['Epoxy', 'Ероху'],
];

describe('a name that looks like another', () => {
  const known = (nickname: string): ReturnType<typeof contact> =>
    contact({ nickname, address: 'outis1known' });
  const stranger = (nickname: string): ReturnType<typeof contact> =>
    contact({ nickname, address: 'outis1stranger', state: 'incoming' });

  it.each([...FOREIGN, ...WHOLE])('%s as %s is told from it', (name, spoof) => {
    expect(spoof).not.toBe(name);
    expect(looksLike(spoof, name)).toBe(true);
    expect(lookalike(stranger(spoof), [known(name)])?.address).toBe('outis1known');
  });

  it.each(FOREIGN)('%s as %s has its foreign letter marked', (name, spoof) => {
    const odd = namePieces(spoof).filter((piece) => piece.kind === 'odd');
    expect(odd.length).toBeGreaterThan(0);
    expect(namePieces(name).every((piece) => piece.kind === 'text')).toBe(true);
  });

  it.each([
    ['Odysseus', 'Penelope'],
    ['Ada', 'Adam'],
    ['Ναυσικά', 'Пенелопа'],
    ['', 'Odysseus'],
  ])('is not seen in %s and %s, which differ', (one, other) => {
    expect(looksLike(one, other)).toBe(false);
  });

  it.each([
    'Ναυσικά',
    'Пенелопа',
    'أريادني',
    'オデュッセウス3世',
    '오디세우스',
    'Ada Пенелопа',
    'naïve',
    'Ωmega 3',
  ])('is not suspected in %s, written honestly', (honest) => {
    if (honest !== 'Ωmega 3') expect(oddLetters(honest).size).toBe(0);
    expect(visible(honest)).toBe(honest);
  });

  it('is nobody one has not met', () => {
    expect(lookalike(stranger('Odysseus'), [])).toBeUndefined();
    const same = contact({ nickname: 'Odysseus' });
    expect(lookalike(same, [same])).toBeUndefined();
  });
});

describe('a link that looks like another', () => {
  const HOSTS: [shown: string, seen: string][] = [
    ['https://аpple.com/', 'apple.com'],
    ['https://gооgle.com/', 'google.com'],
    ['https://раypal.com/', 'paypal.com'],
    ['https://ехample.org/', 'example.org'],
    ['https://signaI.org/', 'signal.org'],
    ['https://example.org．evil.example/', 'example.org'],
    ['https://example.org%2eevil.example/', 'example.org'],
    ['https://exаmple.org:8443/', 'example.org'],
  ];

  it.each(HOSTS)('%s leads to a host that is not %s, and says so', (link, seen) => {
    expect(linkHost(link)).not.toBe(seen);
    expect(linkHost(link)).toMatch(/^[\x20-\x7E]+$/);
  });

  it.each([
    'https://bank.example@evil.example/',
    'https://bank.example:x@evil.example/',
    'https://bank.example%40evil.example@evil.example/',
    'https://@evil.example/',
  ])('%s, with a name before its host, is no link', (link) => {
    const links = bodyPieces(link).filter((piece) => piece.kind === 'link');
    expect(links.filter((piece) => piece.url.includes('@'))).toEqual([]);
  });
});

it('holds two hundred cases and more', () => {
  expect(hidden.length + FOREIGN.length + WHOLE.length).toBeGreaterThan(200);
});

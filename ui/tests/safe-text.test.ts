import { describe, expect, it } from 'vitest';
import { bodyPieces, linkHost, namePieces, visible } from '$lib/text/safe';

const controls = (text: string): string[] =>
  bodyPieces(text).flatMap((piece) => (piece.kind === 'control' ? [piece.code] : []));
const links = (text: string): string[] =>
  bodyPieces(text).flatMap((piece) => (piece.kind === 'link' ? [piece.text] : []));
const whole = (text: string): string =>
  bodyPieces(text)
    .map((piece) => (piece.kind === 'control' ? '' : piece.text))
    .join('');

describe('controls that deceive', () => {
  it('shows every bidi control', () => {
    const bidi = [
      '061C',
      '200E',
      '200F',
      '202A',
      '202B',
      '202C',
      '202D',
      '202E',
      '2066',
      '2067',
      '2068',
      '2069',
    ];
    for (const code of bidi) {
      expect(controls(`a${String.fromCodePoint(parseInt(code, 16))}b`)).toEqual([`U+${code}`]);
    }
  });

  it('shows what has no width or draws as nothing', () => {
    for (const code of [
      '00AD',
      '034F',
      '115F',
      '180E',
      '200B',
      '2060',
      '2063',
      '3164',
      'FEFF',
      'FFA0',
      'E0041',
    ]) {
      expect(controls(`a${String.fromCodePoint(parseInt(code, 16))}b`)).toEqual([`U+${code}`]);
    }
  });

  it('shows control characters, but keeps lines and tabs of a message', () => {
    expect(controls('a\u0000\u001B[2J\u0085b')).toEqual(['U+0000', 'U+001B', 'U+0085']);
    expect(controls('one\ntwo\tthree')).toEqual([]);
    expect(controls('one\u2028two')).toEqual(['U+2028']);
  });

  it('lets no line break into a name', () => {
    expect(namePieces('Ada\nOdysseus')).toContainEqual({ kind: 'control', code: 'U+000A' });
  });

  it('shows a joiner between letters that do not join', () => {
    expect(controls('pay\u200Dpal')).toEqual(['U+200D']);
    expect(controls('pay\u200Cpal')).toEqual(['U+200C']);
    expect(controls('\u200D')).toEqual(['U+200D']);
  });

  it('says in plain text what it draws in pieces', () => {
    expect(visible('Circe\u202Egnp.exe')).toBe('Circe‹U+202E›gnp.exe');
  });
});

describe('what honest writing needs', () => {
  it.each(['👩‍👩‍👧', '🏳️‍🌈', '👩🏽‍🚀', '❤️‍🔥', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '☕️'])('leaves %s whole', (emoji) => {
    expect(controls(`so ${emoji} it is`)).toEqual([]);
    expect(whole(emoji)).toBe(emoji);
  });

  it('leaves joiners between letters of scripts that join', () => {
    expect(controls('می\u200Cخواهم')).toEqual([]);
    expect(controls('क्\u200Dष')).toEqual([]);
  });

  it('shows tags that stand in no flag', () => {
    expect(controls('🏴\u{E0067}\u{E0062}')).toEqual(['U+E0067', 'U+E0062']);
  });

  it('leaves right-to-left text as it is', () => {
    expect(bodyPieces('خيط واحد')).toEqual([{ kind: 'text', text: 'خيط واحد' }]);
  });
});

describe('links', () => {
  it('cuts out secure links only', () => {
    expect(links('see https://example.org/a?b=c#d now')).toEqual(['https://example.org/a?b=c#d']);
    expect(links('http://example.org javascript:alert(1) file:///etc data:text/html,x example.org')).toEqual(
      [],
    );
  });

  it('leaves a sentence its own signs', () => {
    expect(links('(at https://example.org/a). Or https://example.org/b_(c)!')).toEqual([
      'https://example.org/a',
      'https://example.org/b_(c)',
    ]);
  });

  it('loses no letter of the text', () => {
    for (const text of [
      'a https://x.org b',
      'https://',
      'https://[',
      'https://x.org',
      '((https://x.org))',
      '\u200B',
    ]) {
      const shown = bodyPieces(text).map((piece) => (piece.kind === 'control' ? '' : piece.text));
      expect(shown.join('')).toBe(text.replace('\u200B', ''));
    }
  });

  it('ends a link at a hidden character', () => {
    expect(links('https://example.org\u202E/gro.live')).toEqual(['https://example.org']);
  });

  it('makes no link of what pretends to lead elsewhere', () => {
    expect(links('https://bank.example@evil.example/ https://a:b@evil.example')).toEqual([]);
  });

  it('names the host that is reached, not the one that is pretended', () => {
    expect(linkHost('https://bank.example@evil.example/login')).toBe('evil.example');
    expect(linkHost('https://аpple.example/')).toBe('xn--pple-43d.example');
  });
});

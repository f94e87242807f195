import { alphabet, oddLetters } from './lookalikes';

/**
 * Text that other people wrote, cut into pieces that can be shown without being fooled by them.
 *
 * Controls that turn or hide what is read (bidi overrides, zero-width characters, tags) come out as pieces of
 * their own and are drawn as small labels. Those that honest writing needs stay: joiners inside emoji and
 * between letters, tags inside a flag, line breaks. Links are cut out so that they can be opened after a
 * question; nothing here ever opens or loads anything.
 */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'odd'; text: string; alphabet: string }
  | { kind: 'control'; code: string }
  | { kind: 'link'; text: string; url: string };

/** A name or a file's name: controls shown, line breaks too, letters of a second alphabet apart, no links. */
export function namePieces(text: string): Piece[] {
  return controlPieces(text, { lineBreaks: false }).flatMap((piece) =>
    piece.kind === 'text' ? oddPieces(piece.text) : [piece],
  );
}

/** The body of a message: controls shown, line breaks kept, secure links cut out. */
export function bodyPieces(text: string): Piece[] {
  return controlPieces(text, { lineBreaks: true }).flatMap((piece) =>
    piece.kind === 'text' ? linkPieces(piece.text) : [piece],
  );
}

/** The same as plain text, for labels and titles. */
export function visible(text: string): string {
  return namePieces(text)
    .map((piece) => (piece.kind === 'control' ? `‹${piece.code}›` : piece.text))
    .join('');
}

/** Whether a link leads where its text seems to: the host as the network knows it, without user part. */
export function linkHost(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return url;
  }
}

function controlPieces(text: string, keep: { lineBreaks: boolean }): Piece[] {
  const characters = [...text];
  const pieces: Piece[] = [];
  let run = '';
  characters.forEach((character, index) => {
    if (!isControl(character, keep.lineBreaks) || isHonest(characters, index)) {
      run += character;
      return;
    }
    if (run !== '') pieces.push({ kind: 'text', text: run });
    run = '';
    pieces.push({ kind: 'control', code: codeName(character) });
  });
  if (run !== '') pieces.push({ kind: 'text', text: run });
  return pieces;
}

function oddPieces(text: string): Piece[] {
  const odd = oddLetters(text);
  if (odd.size === 0) return [{ kind: 'text', text }];
  return [...text].reduce<Piece[]>((pieces, letter, index) => {
    const last = pieces.at(-1);
    if (odd.has(index)) pieces.push({ kind: 'odd', text: letter, alphabet: alphabet(letter) ?? '' });
    else if (last?.kind === 'text') last.text += letter;
    else pieces.push({ kind: 'text', text: letter });
    return pieces;
  }, []);
}

function linkPieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const found = trimLink(match[0]);
    if (!isPlainLink(found)) continue;
    if (match.index > end) pieces.push({ kind: 'text', text: text.slice(end, match.index) });
    pieces.push({ kind: 'link', text: found, url: new URL(found).href });
    end = match.index + found.length;
  }
  if (end < text.length) pieces.push({ kind: 'text', text: text.slice(end) });
  return pieces;
}

/** A link with a name before its host pretends to lead elsewhere: it stays text. */
function isPlainLink(link: string): boolean {
  if (!URL.canParse(link)) return false;
  const { username, password, hostname } = new URL(link);
  return username === '' && password === '' && hostname !== '';
}

/** A sentence's own punctuation does not belong to the link that ends it. */
function trimLink(link: string): string {
  let trimmed = link.replace(/[.,;:!?'"»”’]+$/u, '');
  while (trimmed.endsWith(')') && !trimmed.includes('(')) trimmed = trimmed.slice(0, -1);
  return trimmed;
}

function isControl(character: string, lineBreaks: boolean): boolean {
  if (lineBreaks && (character === '\n' || character === '\t')) return false;
  return CONTROL.test(character);
}

/** Controls that honest writing needs, where it needs them. */
function isHonest(characters: string[], index: number): boolean {
  const character = characters[index];
  const before = previous(characters, index);
  const after = characters[index + 1] ?? '';
  if (character === ZERO_WIDTH_JOINER) {
    return (PICTURE.test(before) && PICTURE.test(after)) || (JOINING.test(before) && JOINING.test(after));
  }
  if (character === ZERO_WIDTH_NON_JOINER) return JOINING.test(before) && JOINING.test(after);
  return TAG.test(character ?? '') && isInsideFlag(characters, index);
}

/** The character before, looking through variation selectors and skin tones. */
function previous(characters: string[], index: number): string {
  let at = index - 1;
  while (at > 0 && MODIFIER.test(characters[at] ?? '')) at -= 1;
  return characters[at] ?? '';
}

function isInsideFlag(characters: string[], index: number): boolean {
  let start = index;
  while (start > 0 && TAG.test(characters[start] ?? '')) start -= 1;
  let end = index;
  while (end < characters.length && TAG.test(characters[end] ?? '')) end += 1;
  return characters[start] === BLACK_FLAG && characters[end - 1] === CANCEL_TAG && end - start <= 8;
}

function codeName(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

const ZERO_WIDTH_JOINER = '\u200D';
const ZERO_WIDTH_NON_JOINER = '\u200C';
const BLACK_FLAG = '\u{1F3F4}';
const CANCEL_TAG = '\u{E007F}';
// Format and control characters, separators that break lines, and letters that draw as nothing.
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029\u115F\u1160\u3164\uFFA0]|\u034F|\u17B4|\u17B5/u;
const PICTURE = /\p{Extended_Pictographic}/u;
const MODIFIER = /\uFE0E|\uFE0F|\p{Emoji_Modifier}/u;
const TAG = /[\u{E0020}-\u{E007F}]/u;
const JOINING =
  /[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}]/u;
const LINK = /\bhttps:\/\/[^\s<>"`{}|\\^]+/giu;

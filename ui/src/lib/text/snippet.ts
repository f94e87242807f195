/** A piece of a text around the first place where the words occur. */
export interface Snippet {
  before: string;
  hit: string;
  after: string;
}

export function snippet(text: string, query: string): Snippet {
  const line = text.replace(/\s+/g, ' ');
  const wanted = query.trim().split(/\s+/)[0] ?? '';
  const at = wanted === '' ? -1 : line.toLocaleLowerCase().indexOf(wanted.toLocaleLowerCase());
  if (at < 0) return { before: line.slice(0, AROUND * 2), hit: '', after: '' };
  const start = Math.max(0, at - AROUND);
  return {
    before: (start > 0 ? '…' : '') + whole(line.slice(start, at)),
    hit: line.slice(at, at + wanted.length),
    after: whole(line.slice(at + wanted.length, at + wanted.length + AROUND * 4)),
  };
}

/** Cutting may split a pair of units that make one sign. */
function whole(text: string): string {
  return text.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '');
}

const AROUND = 18;

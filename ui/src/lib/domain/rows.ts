import type { Message } from '$lib/api/dto';
import { startOfDay } from '$lib/format/formatter';

/** What a conversation's list shows, one row after another. */
export type Row =
  | { kind: 'beginning'; key: string }
  | { kind: 'day'; key: string; at: number }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: Message; position: Position };

/** Where a message stands in a run of messages by one sender: the bubble's corners follow it. */
export interface Position {
  first: boolean;
  last: boolean;
}

/**
 * Day headings between messages, a line before the first unread one, and runs by the same sender within a few
 * minutes. `from` says whether the first message here is the first there is.
 */
export function buildRows(
  messages: readonly Message[],
  from: 'beginning' | 'middle',
  firstUnread: string | null = null,
): Row[] {
  const rows: Row[] = from === 'beginning' ? [{ kind: 'beginning', key: 'beginning' }] : [];
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const after = messages[index + 1];
    const at = localTime(message);
    if (!before || startOfDay(localTime(before)) !== startOfDay(at)) {
      rows.push({ kind: 'day', key: `day:${message.id}`, at });
    }
    if (message.id === firstUnread) rows.push({ kind: 'unread', key: 'unread' });
    const position = { first: !belongTogether(before, message), last: !belongTogether(message, after) };
    rows.push({ kind: 'message', key: message.id, message, position });
  });
  return rows;
}

/** When a message came to be on this machine: the sender's clock may be off, ours orders the list. */
export function localTime(message: Message): number {
  return message.direction === 'in' ? (message.received_at ?? message.sent_at) : message.sent_at;
}

function belongTogether(earlier: Message | undefined, later: Message | undefined): boolean {
  if (!earlier || !later) return false;
  if (isNotice(earlier) || isNotice(later) || earlier.direction !== later.direction) return false;
  const [from, to] = [localTime(earlier), localTime(later)];
  return to - from < RUN && startOfDay(from) === startOfDay(to);
}

/** Gaps and notes belong to nobody and stand alone. */
export function isNotice(message: Message): boolean {
  return message.body.kind === 'gap' || message.body.kind === 'note';
}

const RUN = 5 * 60_000;

import type { Message, MessageBody } from '$lib/api/dto';

/** Whether it is one's own and not known to have arrived: then one may ask why. */
export function isUndelivered({ direction, state }: Message): boolean {
  return direction === 'out' && (state === 'queued' || state === 'stored' || state === 'failed');
}

/** Whether it says something that one can answer, react to, or choose. */
export function isSaid({ body }: Message): boolean {
  return body.kind === 'text' || body.kind === 'file';
}

/** Whether its text may still be changed: it is one's own, and not given up. */
export function isEditable({ direction, body, state }: Message): boolean {
  return direction === 'out' && body.kind === 'text' && state !== 'failed';
}

/** What it says as plain text; nothing if that is no text. */
export function textOf({ body }: Message): string {
  if (body.kind === 'text') return body.text;
  return body.kind === 'file' ? body.name : '';
}

/** The same reactions put together, in the order they came. */
export function gathered(message: Message): { emoji: string; count: number; own: boolean }[] {
  const found: { emoji: string; count: number; own: boolean }[] = [];
  for (const { emoji, direction } of message.reactions) {
    const known = found.find((one) => one.emoji === emoji);
    if (known) known.count += 1;
    else found.push({ emoji, count: 1, own: false });
    if (direction === 'out') found.filter((one) => one.emoji === emoji).forEach((one) => (one.own = true));
  }
  return found;
}

/** A note's own number: of `disappearing`, the seconds. */
export function noteSeconds(body: MessageBody): number | undefined {
  return 'seconds' in body && typeof body.seconds === 'number' ? body.seconds : undefined;
}

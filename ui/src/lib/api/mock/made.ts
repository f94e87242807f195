import { BackendError } from '../backend';
import type { ErrorCode, Message, StepRecord, Thumbnail } from '../dto';

export function refusal(code: ErrorCode): BackendError {
  return new BackendError({ code, message: code });
}

export function bitsOf(password: string): number {
  const words = password.trim().split(/\s+/).filter(Boolean).length;
  return words > 1 ? words * 11 : Math.min(70, password.length * 3);
}

/** Squares that look like a code; it is not one. */
export function mockQr(address: string): string {
  const cells: string[] = [];
  let state = 1;
  for (let index = 0; index < 33 * 33; index++) {
    state = (state * 1_103_515_245 + address.charCodeAt(index % address.length)) % 2_147_483_648;
    if (state > 1_073_741_824) cells.push(`M${index % 33} ${Math.floor(index / 33)}h1v1h-1z`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 37 37" shape-rendering="crispEdges"><rect x="-2" y="-2" width="37" height="37" fill="#fff"/><path fill="#000" d="${cells.join('')}"/></svg>`;
}

/** A text of ours that was just taken. */
export function sentText(id: string, contact: string, text: string, at: number): Message {
  return {
    id,
    contact,
    direction: 'out',
    body: { kind: 'text', text },
    sent_at: at,
    state: 'queued',
    reactions: [],
  };
}

/** What happened to a message that waits for its receipt. */
export function flightRecord(now: number): StepRecord[] {
  const at = now - 58 * 60_000;
  const mailbox = (id: string): string => `Stored by the mailbox 12D3KooW${id.repeat(44)}.`;
  return [
    { at, step: 'queued', detail: 'Safe on this computer.' },
    { at: at + 120, step: 'encrypted', detail: 'Encrypted for their device.' },
    { at: at + 410, step: 'stored', detail: mailbox('a') },
    { at: at + 433, step: 'stored', detail: mailbox('b') },
    { at: at + 1_900, step: 'stored', detail: mailbox('c') },
    { at: at + 62_000, step: 'looked_up', detail: 'No receipt yet: looked up where they receive now.' },
  ];
}

export const SUGGESTIONS = [
  'gravel ordinary tuna whisper cabin laptop zebra',
  'harvest olive puzzle drift lantern arena uncle',
  'copper velvet island fossil ginger tunnel rhythm',
];

/** A pattern in warm colours. */
export const THUMBNAIL: Thumbnail = {
  mime: 'image/png',
  width: 96,
  height: 64,
  data: 'iVBORw0KGgoAAAANSUhEUgAAAGAAAABACAIAAABqVuVZAAAB9UlEQVR42uXK104TAAAF0Pud7q04aGnpHnTSSXdLS1s2ZQkCatRo1Gg0fpbv937CTc7jwb9RnJ0J44O/wzg7FcYHfwYJdiKMD373k+xYGB/86qXYQhgf/Oym2ZEwPvhxmGEdYXzw/SDL2sL44Nv+GmsJ44Ovezm2IYwPvuzmWVMYH3zeKbCGMD74VC+ybWF88LFWYnNhfPChWmYzYXxwU1lnU2F8cF2psKkwPrhar7AtYXxwOamysjA+uBjXWEkYH5xv1llRGB+cjRqsIIwPTodNlhfGB8eDDZYTxgeLtRbrC+ODw2yb9YTxwUGmw7rC+GA/3WUdYXywm+qxtjA+2En2WUsYH8w3BiwhjA9mzSGLC+ODaXPE4sL4YNIYsZgwPhjXN1lUGB+MamMWEcYHw9UJqwrjg354i1WE8UEvNGXrwviguzJjZWF80A7OWUkYH7QC26wojA+ahR22LIwPGvld9kYYH9Rze+y1MD6oru2zV8L4oJI9YC+F8UE5c8iWhPFBaemIZYTxQfHFEUsL44P88wVLCeOD3LNjlhTGB9mnJywhjA8yT05ZXBgfpGNn7LEwPkhGz9kjYXyQiLxlD4XxQWz1gj0QxgfR8CW7L4wPIqF37J4wPgjfvWIrwvggdOeaBYXxQfD2DQsI44PArfdsWRif/2WouRnoNhvwAAAAAElFTkSuQmCC',
};

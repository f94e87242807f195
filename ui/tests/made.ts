import type { Contact, Message } from '$lib/api/dto';
import { mockAddress, PLAIN_CONVERSATION } from '$lib/api/mock/world';

/** A contact in every respect ordinary but for what is given. */
export function contact(more: Partial<Contact> = {}): Contact {
  const nickname = more.nickname ?? 'Odysseus';
  return {
    address: mockAddress(nickname),
    nickname,
    alias: null,
    state: 'accepted',
    verified: false,
    device_changed: false,
    safety_number: '1'.repeat(60),
    unread: 0,
    last_message_at: null,
    returning: false,
    added_at: 0,
    last_message: null,
    conversation: PLAIN_CONVERSATION,
    ...more,
  };
}

/** A message in every respect ordinary but for what is given. */
export function message(more: Partial<Message> = {}): Message {
  return {
    id: 'm',
    contact: mockAddress('Odysseus'),
    direction: 'out',
    body: { kind: 'text', text: 'Hello' },
    sent_at: 0,
    state: 'queued',
    reactions: [],
    ...more,
  };
}

/** Lets everything that waits for a promise go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

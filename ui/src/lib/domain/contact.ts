import type { Contact, ConversationSettings } from '$lib/api/dto';
import { looksLike } from '$lib/text/lookalikes';

/** The name the person gave them, else the one they gave themselves, else a piece of the address. */
export function displayName(contact: Contact): string {
  return contact.alias || contact.nickname || shortAddress(contact.address);
}

/** Enough of an address to tell two apart at a glance; never enough to compare by. */
export function shortAddress(address: string): string {
  return address.length > 16 ? `${address.slice(0, 8)}…${address.slice(-4)}` : address;
}

/** Groups of five digits, as they are read out. */
export function safetyGroups(safetyNumber: string): string[] {
  return safetyNumber.replace(/\s/g, '').match(/.{1,5}/g) ?? [];
}

/** Whether this contact has a place among the conversations. */
export function isConversation(contact: Contact): boolean {
  return contact.state !== 'incoming' && contact.state !== 'declined';
}

/** Latest first, by what was said or else by when they came; those of one moment by name. */
export function byLastMessage(a: Contact, b: Contact): number {
  const at = (contact: Contact): number => contact.last_message_at ?? contact.added_at;
  return at(b) - at(a) || displayName(a).localeCompare(displayName(b));
}

/** Pinned first; within that, latest first. */
export function byPlace(a: Contact, b: Contact): number {
  return Number(chosenFor(b).pinned) - Number(chosenFor(a).pinned) || byLastMessage(a, b);
}

/** What the person chose for the conversation, or what holds if they chose nothing. */
export function chosenFor(contact: Contact): ConversationSettings {
  return contact.conversation;
}

/** Before anything is chosen. */
export const NOTHING_CHOSEN: ConversationSettings = {
  pinned: false,
  muted: false,
  archived: false,
  receipts: 'at_once',
  read_receipts: false,
  typing: false,
  disappear_after: null,
};

/** Somebody else among these whose name the eye cannot tell from this one's; those one knows well come first. */
export function lookalike(contact: Contact, others: readonly Contact[]): Contact | undefined {
  const name = displayName(contact);
  return others
    .filter((other) => other.address !== contact.address && other.state !== 'incoming')
    .sort((a, b) => Number(b.verified) - Number(a.verified))
    .find((other) => looksLike(name, displayName(other)) || looksLike(name, other.nickname));
}

/** Whether the person's words occur in the contact's names or address. */
export function matches(contact: Contact, words: string): boolean {
  const wanted = words.trim().toLocaleLowerCase();
  return [contact.alias ?? '', contact.nickname, contact.address].some((text) =>
    text.toLocaleLowerCase().includes(wanted),
  );
}

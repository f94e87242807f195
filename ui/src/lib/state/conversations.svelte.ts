import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/api/backend';
import type { Contact, Message, StepRecord } from '$lib/api/dto';
import { localTime } from '$lib/domain/rows';
import { Conversation } from './conversation.svelte';

/** All conversations that were opened, and the last line of each for the list. */
export class ConversationsState {
  // Made while drawing, so not reactive itself: a conversation once made stays the same object.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #open = new Map<string, Conversation>();
  readonly #previews = new SvelteMap<string, Message>();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The conversation with this contact; made on first use, so that drafts are kept. */
  with(contact: string): Conversation {
    const known = this.#open.get(contact);
    if (known) return known;
    // A page that asks first may be left long before the conversation ends: what is derived in it must not end with the page.
    $effect.root(() => void this.#open.set(contact, new Conversation(this.#backend, contact)));
    return this.with(contact);
  }

  /** What is being written to somebody, as far as the list shows it. */
  draft({ address, draft }: Contact): string {
    const conversation = this.with(address);
    return (conversation.recalled ? conversation.draft : (draft ?? '')).trim();
  }

  /** Keeps everything that is being written; what cannot be kept is lost with the window. */
  async keepDrafts(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map((conversation) => conversation.keep()));
  }

  preview(contact: string): Message | undefined {
    return this.#previews.get(contact);
  }

  /** A message is gone: deleted, or its time was over. */
  removed(contact: string, id: string): void {
    this.#open.get(contact)?.removed(id);
    if (this.#previews.get(contact)?.id === id) this.#previews.delete(contact);
  }

  /** The last line as the core tells it with the contact; it may be an older one than before. */
  last({ address, last_message: message }: Contact): void {
    if (message) this.#previews.set(address, message);
    else if (message === null) this.#previews.delete(address);
  }

  /** Reads the last line of each of these, a few at a time; one that fails only lacks its line. */
  async loadPreviews(contacts: readonly string[]): Promise<void> {
    const waiting = contacts.filter((contact) => !this.#previews.has(contact));
    const worker = async (): Promise<void> => {
      for (let contact = waiting.shift(); contact !== undefined; contact = waiting.shift()) {
        const page = await this.#backend.call('message.list', { contact, limit: 1 }).catch(() => null);
        const last = page?.messages.at(-1);
        if (last) this.#preview(last);
      }
    };
    await Promise.all(Array.from({ length: PREVIEWS_AT_ONCE }, worker));
  }

  take(message: Message): void {
    this.#open.get(message.contact)?.take(message);
    this.#preview(message);
  }

  /** A message that was found, in the conversation it is in. False if it is gone. */
  async show(message: Message): Promise<boolean> {
    const conversation = this.with(message.contact);
    if (!conversation.loaded) await conversation.load();
    return conversation.show(message.id);
  }

  async explain(id: string): Promise<StepRecord[]> {
    return this.#backend.call('message.explain', { id });
  }

  forget(contact: string): void {
    this.#open.delete(contact);
    this.#previews.delete(contact);
  }

  clear(): void {
    this.#open.clear();
    this.#previews.clear();
  }

  #preview(message: Message): void {
    const known = this.#previews.get(message.contact);
    if (!known || known.id === message.id || localTime(message) >= localTime(known)) {
      this.#previews.set(message.contact, message);
    }
  }
}

const PREVIEWS_AT_ONCE = 4;

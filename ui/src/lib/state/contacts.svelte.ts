import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/api/backend';
import type { Contact, ConversationSettings, Invite } from '$lib/api/dto';
import { byPlace, chosenFor, isConversation } from '$lib/domain/contact';

/** The people of this account, by address. The core says what is true of them; this shows it. */
export class ContactsState {
  loaded = $state(false);
  readonly #byAddress = new SvelteMap<string, Contact>();
  readonly #backend: Backend;
  readonly #noteToSelf: () => Contact | null;

  /** The note to self, once somebody is in. */
  readonly self: Contact | null = $derived.by(() => this.#noteToSelf());

  /** Everybody whom one can write to, oneself included, in the order of the list. */
  readonly all: Contact[] = $derived.by(() => {
    const others = [...this.#byAddress.values()].filter(isConversation);
    return (this.self ? [...others, this.self] : others).sort(byPlace);
  });
  readonly conversations: Contact[] = $derived.by(() =>
    this.all.filter((contact) => !chosenFor(contact).archived),
  );
  readonly archived: Contact[] = $derived.by(() => this.all.filter((contact) => chosenFor(contact).archived));
  readonly requests: Contact[] = $derived.by(() =>
    [...this.#byAddress.values()].filter((contact) => contact.state === 'incoming'),
  );

  /** `noteToSelf` makes the contact that stands for oneself; the core lists none. */
  constructor(backend: Backend, noteToSelf: () => Contact | null = () => null) {
    this.#backend = backend;
    this.#noteToSelf = noteToSelf;
  }

  get(address: string): Contact | undefined {
    return this.#byAddress.get(address) ?? (this.isSelf(address) ? (this.self ?? undefined) : undefined);
  }

  isSelf(address: string): boolean {
    return this.self?.address === address;
  }

  async load(): Promise<void> {
    const contacts = await this.#backend.call('contact.list', {});
    this.#byAddress.clear();
    contacts.forEach((contact) => this.updated(contact));
    this.loaded = true;
  }

  updated(contact: Contact): void {
    this.#byAddress.set(contact.address, contact);
  }

  async add(address: string, greeting: string): Promise<Contact> {
    const words = greeting.trim();
    const params = { address: address.trim(), ...(words === '' ? {} : { greeting: words }) };
    return this.#kept(await this.#backend.call('contact.add', params));
  }

  async accept(address: string): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.accept', { address }));
  }

  async decline(address: string): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.decline', { address }));
  }

  async block(address: string): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.block', { address }));
  }

  async unblock(address: string): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.unblock', { address }));
  }

  async rename(address: string, alias: string): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.rename', { address, alias: alias.trim() }));
  }

  async verify(address: string, verified: boolean): Promise<Contact> {
    return this.#kept(await this.#backend.call('contact.verify', { address, verified }));
  }

  /** Chooses something for one conversation. */
  async configure(address: string, change: Partial<ConversationSettings>): Promise<void> {
    const conversation = await this.#backend.call('conversation.set', { contact: address, ...change });
    const contact = this.#byAddress.get(address);
    if (contact) this.updated({ ...contact, conversation });
  }

  async remove(address: string): Promise<void> {
    await this.#backend.call('contact.remove', { address });
    this.removed(address);
  }

  removed(address: string): void {
    this.#byAddress.delete(address);
  }

  async invite(): Promise<Invite> {
    return this.#backend.call('contact.invite', {});
  }

  clear(): void {
    this.#byAddress.clear();
    this.loaded = false;
  }

  #kept(contact: Contact): Contact {
    this.updated(contact);
    return contact;
  }
}

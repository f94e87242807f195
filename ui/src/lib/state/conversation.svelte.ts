import type { Backend } from '$lib/api/backend';
import type { Message } from '$lib/api/dto';
import { buildRows, localTime, type Row } from '$lib/domain/rows';

/** The messages with one contact, as far back as they were looked at, and what is being written. */
export class Conversation {
  readonly contact: string;
  draft = $state('');
  messages = $state.raw<readonly Message[]>([]);
  /** Whether there are messages before the first one here. */
  more = $state(false);
  loaded = $state(false);
  loadingOlder = $state(false);
  /** Set while older messages go in at the top, so that the list keeps its place from the end. */
  grewAtStart = $state(false);
  readonly #backend: Backend;
  /** The send before: they are taken one by one, in their order. */
  #last: Promise<unknown> = Promise.resolve();

  readonly rows: Row[] = $derived.by(() => buildRows(this.messages, this.more ? 'middle' : 'beginning'));
  readonly newest: Message | undefined = $derived.by(() => this.messages.at(-1));

  constructor(backend: Backend, contact: string) {
    this.#backend = backend;
    this.contact = contact;
  }

  /** Reads the newest page; what arrived meanwhile by event is kept. */
  async load(): Promise<void> {
    const page = await this.#backend.call('message.list', { contact: this.contact, limit: PAGE });
    const arrived = this.loaded ? [] : without(this.messages, page.messages);
    this.grewAtStart = false;
    this.messages = [...page.messages, ...arrived.filter((message) => isNewer(message, page.messages))];
    this.more = page.more;
    this.loaded = true;
  }

  async loadOlder(): Promise<void> {
    const first = this.messages[0];
    if (!this.more || this.loadingOlder || !first) return;
    this.loadingOlder = true;
    try {
      const page = await this.#backend.call('message.list', {
        contact: this.contact,
        before: first.id,
        limit: OLDER_PAGE,
      });
      this.grewAtStart = true;
      this.messages = [...without(page.messages, this.messages), ...this.messages];
      this.more = page.more;
    } finally {
      this.loadingOlder = false;
    }
  }

  /**
   * Sends what is written. The field is free at once: what is typed from now on is the next message, also while this one
   * is still being taken. One that is refused comes back before whatever was typed meanwhile. False if there was nothing.
   */
  async send(now: number): Promise<boolean> {
    const text = this.draft.trim();
    if (text === '') return false;
    this.draft = '';
    const sent = this.#last.then(() => this.#backend.call('message.send', { contact: this.contact, text }));
    this.#last = sent.catch(() => undefined);
    try {
      const { id } = await sent;
      if (!this.messages.some((message) => message.id === id)) {
        this.#append(justSent(id, this.contact, text, now));
      }
      return true;
    } catch (refusal) {
      this.draft = this.draft === '' ? text : `${text}\n${this.draft}`;
      throw refusal;
    }
  }

  /** Takes a message in: replaces the one of its id, or appends it if it is newer than what is here. */
  take(message: Message): void {
    const at = this.messages.findLastIndex((known) => known.id === message.id);
    if (at >= 0) {
      this.grewAtStart = false;
      this.messages = this.messages.with(at, message);
    } else if (isNewer(message, this.messages)) {
      this.#append(message);
    }
  }

  async markRead(): Promise<void> {
    const newest = this.messages.findLast((message) => message.direction === 'in');
    if (newest) await this.#backend.call('message.mark_read', { contact: this.contact, up_to: newest.id });
  }

  #append(message: Message): void {
    this.grewAtStart = false;
    this.messages = [...this.messages, message];
  }
}

function without(messages: readonly Message[], known: readonly Message[]): Message[] {
  return messages.filter((message) => !known.some(({ id }) => id === message.id));
}

/** An update may concern a message far above what is loaded: that one must not jump to the end. */
function isNewer(message: Message, than: readonly Message[]): boolean {
  const last = than.at(-1);
  return !last || localTime(message) >= localTime(last);
}

/** What stands on the screen until the core's own record of it comes as an event. */
function justSent(id: string, contact: string, text: string, now: number): Message {
  return {
    id,
    contact,
    direction: 'out',
    body: { kind: 'text', text },
    sent_at: now,
    state: 'queued',
    reactions: [],
  };
}

const PAGE = 60;
const OLDER_PAGE = 200;

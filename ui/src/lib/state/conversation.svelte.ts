import { SvelteSet } from 'svelte/reactivity';
import type { Backend } from '$lib/api/backend';
import type { Message } from '$lib/api/dto';
import { buildRows, isNotice, localTime, type Row } from '$lib/domain/rows';
import { Find } from './find.svelte';

/** Where the list is to go. A new object each time, so that one can go to the same place twice. */
export interface Target {
  id: string;
}

/** The messages with one contact, as far back as they were looked at, and what is being written. */
export class Conversation {
  readonly contact: string;
  draft = $state('');
  /** Whether what was once begun to be written has been fetched. */
  recalled = $state(false);
  /** The message that the draft answers. */
  answering = $state.raw<Message | null>(null);
  /** The message whose text the draft is about to replace. */
  editing = $state.raw<Message | null>(null);
  messages = $state.raw<readonly Message[]>([]);
  /** Whether there are messages before the first one here. */
  more = $state(false);
  /** Whether there are messages after the last one here: one looks at a place far back. */
  newer = $state(false);
  loaded = $state(false);
  loadingOlder = $state(false);
  #loadingNewer = false;
  /** Set while older messages go in at the top, so that the list keeps its place from the end. */
  grewAtStart = $state(false);
  /** The first message that was unread when the conversation was opened. */
  firstUnread = $state<string | null>(null);
  /** Messages chosen to do something with together. */
  readonly selected = new SvelteSet<string>();
  target = $state.raw<Target | null>(null);
  readonly find: Find;
  readonly #backend: Backend;
  /** The send before: they are taken one by one, in their order. */
  #last: Promise<unknown> = Promise.resolve();
  #told = 0;
  /** The draft as the core has it. */
  #kept = '';
  #keeping: ReturnType<typeof setTimeout> | undefined;
  /** What was being written before an edit began. */
  #aside = '';

  readonly rows: Row[] = $derived.by(() =>
    buildRows(this.messages, this.more ? 'middle' : 'beginning', this.firstUnread),
  );
  readonly newest: Message | undefined = $derived.by(() => this.messages.at(-1));

  constructor(backend: Backend, contact: string) {
    this.#backend = backend;
    this.contact = contact;
    this.find = new Find(backend, contact);
  }

  /** Reads the newest page, far enough back for what is unread; what arrived meanwhile by event is kept. */
  async load(unread = 0): Promise<void> {
    const limit = Math.min(MOST_AT_ONCE, Math.max(PAGE, unread * 2));
    const page = await this.#backend.call('message.list', { contact: this.contact, limit });
    const arrived = this.loaded ? [] : without(this.messages, page.messages);
    this.grewAtStart = false;
    this.messages = [...page.messages, ...arrived.filter((message) => isNewer(message, page.messages))];
    this.more = page.more;
    this.newer = false;
    this.loaded = true;
    this.markUnread(unread);
  }

  /** Fetches what was begun to be written before; nothing that is being written now is lost for it. */
  async recall(): Promise<void> {
    if (this.recalled) return;
    const { text } = await this.#backend.call('conversation.draft', { contact: this.contact });
    this.recalled = true;
    this.#kept = text;
    if (this.draft === '' && !this.editing) this.draft = text;
  }

  /** Something was written: it is kept once the hand rests. */
  wrote(): void {
    clearTimeout(this.#keeping);
    // Until what is kept was fetched, nothing may take its place.
    if (this.recalled) this.#keeping = setTimeout(() => void this.keep().catch(() => undefined), KEEP_AFTER);
  }

  /** Keeps what is being written, also over a lock and a restart. */
  async keep(): Promise<void> {
    clearTimeout(this.#keeping);
    const text = this.editing ? this.#aside : this.draft;
    if (!this.recalled || text === this.#kept) return;
    this.#kept = text;
    await this.#backend.call('conversation.draft', { contact: this.contact, text });
  }

  /** Remembers where the unread ones begin, until the conversation is looked at anew. */
  markUnread(unread: number): void {
    const theirs = this.messages.filter((message) => message.direction === 'in' && !isNotice(message));
    this.firstUnread = unread > 0 ? ((theirs.at(-unread) ?? theirs[0])?.id ?? null) : null;
  }

  async loadOlder(): Promise<void> {
    await this.#loadBack(OLDER_PAGE, () => true);
  }

  /** Reads on where one looks at a place far back. */
  async loadNewer(): Promise<void> {
    const after = this.messages.at(-1)?.id;
    if (!this.newer || this.#loadingNewer || after === undefined) return;
    this.#loadingNewer = true;
    try {
      const page = await this.#backend.call('message.list', {
        contact: this.contact,
        after,
        limit: OLDER_PAGE,
      });
      this.grewAtStart = false;
      this.messages = [...this.messages, ...without(page.messages, this.messages)];
      this.newer = page.newer && page.messages.length > 0;
    } finally {
      this.#loadingNewer = false;
    }
  }

  /** Shows a message, and what stands around it. False if it is not there any more. */
  async show(id: string): Promise<boolean> {
    if (!this.message(id)) {
      const around = { contact: this.contact, around: id, limit: OLDER_PAGE };
      const page = await this.#backend.call('message.list', around).catch(() => null);
      if (!page?.messages.some((message) => message.id === id)) return false;
      this.grewAtStart = false;
      this.messages = page.messages;
      this.more = page.more;
      this.newer = page.newer;
      this.loaded = true;
    }
    this.target = { id };
    return true;
  }

  /** Shows the first message from this time on. */
  async showTime(at: number): Promise<void> {
    const reaches = (messages: readonly Message[]): boolean => {
      const first = messages[0];
      return first !== undefined && localTime(first) < at;
    };
    const last = this.messages.at(-1);
    if (this.newer && last && localTime(last) < at) await this.load();
    if (!reaches(this.messages)) await this.#loadBack(MOST_AT_ONCE, reaches);
    const found = this.messages.find((message) => localTime(message) >= at) ?? this.newest;
    if (found) this.target = { id: found.id };
  }

  message(id: string): Message | undefined {
    return this.messages.find((message) => message.id === id);
  }

  answer(message: Message): void {
    this.stopEditing();
    this.answering = message;
  }

  edit(message: Message): void {
    if (message.body.kind !== 'text') return;
    if (!this.editing) this.#aside = this.draft;
    this.answering = null;
    this.editing = message;
    this.draft = message.body.text;
  }

  stopEditing(): void {
    if (!this.editing) return;
    this.editing = null;
    this.draft = this.#aside;
    this.#aside = '';
  }

  /** The last text of one's own, which an empty field leads back to. */
  lastOwnText(): Message | undefined {
    return this.messages.findLast((message) => message.direction === 'out' && message.body.kind === 'text');
  }

  /**
   * Sends what is written. The field is free at once: what is typed from now on is the next message, also while this one
   * is still being taken. One that is refused comes back before whatever was typed meanwhile. False if there was nothing.
   */
  async send(now: number): Promise<boolean> {
    const text = this.draft.trim();
    if (text === '') return false;
    if (this.editing) return this.#sendEdit(this.editing, text);
    const answered = this.answering;
    const answer = answered ? { reply_to: answered.id } : {};
    this.draft = '';
    this.answering = null;
    this.firstUnread = null;
    const params = { contact: this.contact, text, ...answer };
    const sent = this.#last.then(() => this.#backend.call('message.send', params));
    this.#last = sent.catch(() => undefined);
    try {
      const { id } = await sent;
      // What was sent must not come back as something that was never sent.
      void this.keep().catch(() => undefined);
      // Whoever answers from far back sees the end again, with the answer.
      if (this.newer) await this.load();
      if (!this.message(id)) this.#append({ ...justSent(id, this.contact, text, now), ...answer });
      return true;
    } catch (refusal) {
      this.draft = this.draft === '' ? text : `${text}\n${this.draft}`;
      this.answering ??= answered;
      throw refusal;
    }
  }

  /** Takes a message in: replaces the one of its id, or appends it if it is newer than what is here. */
  take(message: Message): void {
    const at = this.messages.findLastIndex((known) => known.id === message.id);
    if (at >= 0) {
      this.grewAtStart = false;
      this.messages = this.messages.with(at, message);
    } else if (!this.newer && isNewer(message, this.messages)) {
      this.#append(message);
    }
  }

  /** One's own reaction; the same again takes it away. */
  async react(message: Message, emoji: string): Promise<void> {
    const own = message.reactions.find(({ direction }) => direction === 'out')?.emoji;
    this.take(
      await this.#backend.call('message.react', { id: message.id, emoji: own === emoji ? '' : emoji }),
    );
  }

  async delete(ids: readonly string[], from: 'me' | 'everyone'): Promise<void> {
    for (const id of ids) {
      await this.#backend.call('message.delete', {
        id,
        ...(from === 'everyone' ? { for_everyone: true } : {}),
      });
      if (from === 'me') this.removed(id);
    }
  }

  /** It is gone here, whoever took it away. */
  removed(id: string): void {
    this.grewAtStart = false;
    this.messages = this.messages.filter((message) => message.id !== id);
    this.selected.delete(id);
    if (this.answering?.id === id) this.answering = null;
    if (this.editing?.id === id) this.stopEditing();
  }

  /** Tells the other side that something is being written, every few seconds while it is. */
  async typed(now: number): Promise<void> {
    if (now - this.#told < TELL_EVERY || this.draft.trim() === '') return;
    this.#told = now;
    await this.#backend.call('conversation.typing', { contact: this.contact });
  }

  /** Marks or unmarks a message for doing something with several. */
  select(id: string): void {
    if (!this.selected.delete(id)) this.selected.add(id);
  }

  async markRead(): Promise<void> {
    const newest = this.messages.findLast((message) => message.direction === 'in');
    if (newest) await this.#backend.call('message.mark_read', { contact: this.contact, up_to: newest.id });
  }

  async #sendEdit(message: Message, text: string): Promise<boolean> {
    const same = message.body.kind === 'text' && message.body.text === text;
    if (!same) this.take(await this.#backend.call('message.edit', { id: message.id, text }));
    this.stopEditing();
    return !same;
  }

  /** Reads pages backwards until one brings what is wanted; they are shown all at once. */
  async #loadBack(page: number, isEnough: (messages: readonly Message[]) => boolean): Promise<void> {
    if (!this.more || this.loadingOlder || this.messages.length === 0) return;
    this.loadingOlder = true;
    const pages: Message[][] = [];
    try {
      let before = this.messages[0]?.id;
      let more: boolean = this.more;
      while (more && before !== undefined) {
        const older = await this.#backend.call('message.list', {
          contact: this.contact,
          before,
          limit: page,
        });
        pages.unshift(older.messages);
        more = older.more && older.messages.length > 0;
        before = older.messages[0]?.id;
        if (isEnough(older.messages)) break;
      }
      this.grewAtStart = true;
      // eslint-disable-next-line svelte/prefer-svelte-reactivity
      const known = new Set(this.messages.map(({ id }) => id));
      this.messages = [...pages.flat().filter(({ id }) => !known.has(id)), ...this.messages];
      this.more = more;
    } finally {
      this.loadingOlder = false;
    }
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

const TELL_EVERY = 4_000;
const KEEP_AFTER = 600;
const PAGE = 60;
const OLDER_PAGE = 200;
const MOST_AT_ONCE = 500;

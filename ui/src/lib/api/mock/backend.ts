import type { Backend, Drop } from '../backend';
import type { Contact, ErrorCode, Event, Message, Transfer } from '../dto';
import type { Method, Methods, Params, Result } from '../methods';
import { bitsOf, flightRecord, mockQr, refusal, sentText, SUGGESTIONS, THUMBNAIL } from './made';
import { emptyWorld, mockAddress, onlineNetwork, PLAIN_CONVERSATION, type World } from './world';

type Handlers = { [M in Method]: (params: Methods[M]['params']) => Methods[M]['result'] };

export interface MockOptions {
  world?: World;
  now?: () => number;
  /** Runs something later; tests hand in their own. */
  later?: (ms: number, action: () => void) => void;
  /** Seconds of pretended key derivation. */
  derivationMs?: number;
}

/** A whole account in memory, for tests and for working on the page without a shell. It never leaves the page. */
export class MockBackend implements Backend {
  readonly world: World;
  readonly calls: { method: Method; params: unknown }[] = [];
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #droppers = new Set<(drop: Drop) => void>();
  readonly #refusals = new Map<Method, ErrorCode>();
  readonly #now: () => number;
  readonly #later: (ms: number, action: () => void) => void;
  readonly #derivationMs: number;
  #ids = 0;

  constructor({ world = emptyWorld(), now = Date.now, later, derivationMs = 0 }: MockOptions = {}) {
    this.world = world;
    this.#now = now;
    this.#later = later ?? ((ms, action) => void setTimeout(action, ms));
    this.#derivationMs = derivationMs;
  }

  /** Every name that the page may ask for. */
  static methods(): Method[] {
    return Object.keys(new MockBackend().#handlers) as Method[];
  }

  async call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>> {
    this.calls.push({ method, params });
    const code = this.#refusals.get(method);
    if (code) {
      this.#refusals.delete(method);
      throw refusal(code);
    }
    if (DERIVING.has(method)) await this.#derive();
    return structuredClone(this.#handlers[method](params));
  }

  async listen(handler: (event: Event) => void): Promise<() => void> {
    this.#listeners.add(handler);
    return () => this.#listeners.delete(handler);
  }

  async listenDrops(handler: (drop: Drop) => void): Promise<() => void> {
    this.#droppers.add(handler);
    return () => this.#droppers.delete(handler);
  }

  /** Files are dragged over the window. */
  drop(drop: Drop): void {
    for (const dropper of this.#droppers) dropper(drop);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) listener(structuredClone(event));
  }

  /** The next call of this method is refused. */
  refuse(method: Method, code: ErrorCode): void {
    this.#refusals.set(method, code);
  }

  /** Something from the other side. */
  receive(contact: string, text: string): Message {
    const at = this.#now();
    const message: Message = {
      id: this.#id('in'),
      contact,
      direction: 'in',
      body: { kind: 'text', text },
      sent_at: at,
      received_at: at,
      state: 'delivered',
      reactions: [],
    };
    this.#messages(contact).push(message);
    this.emit({ type: 'message.received', message });
    this.#change(contact, (known) => {
      known.unread += 1;
      known.last_message_at = at;
    });
    return message;
  }

  #autostart = false;

  readonly #handlers: Handlers = {
    'account.create': ({ nickname, password }) => {
      if (nickname.trim() === '' || [...nickname].length > 32) throw refusal('nickname_invalid');
      if (bitsOf(password) < 46.5) throw refusal('weak_password');
      Object.assign(this.world, {
        me: { address: mockAddress(nickname), nickname, created_at: this.#now() },
        password,
        state: 'unlocked',
      });
      return this.world.me;
    },
    'account.unlock': ({ nickname, password, restore }) => {
      const right = nickname === this.world.me.nickname && password === this.world.password;
      if (!right && !restore) throw refusal('wrong_credentials');
      this.world.state = 'unlocked';
      if (right) return this.world.me;
      this.world.me = { address: mockAddress(nickname), nickname, created_at: this.#now() };
      return { ...this.world.me, known: this.world.network.online ? false : 'unreachable' };
    },
    'account.confirm_new': () => ({}),
    'account.touch': () => ({}),
    'account.lock': () => {
      this.world.state = 'locked';
      return {};
    },
    'account.start_over': ({ nickname, password }) => {
      if (password !== this.world.password) throw refusal('wrong_credentials');
      Object.assign(this.world, { state: 'unlocked', me: { ...this.world.me, nickname } });
      return this.world.me;
    },
    'account.status': () => {
      const { state, me } = this.world;
      return state === 'locked' ? { state } : { state, account: me };
    },
    'account.suggest_passphrase': () => ({
      passphrase: SUGGESTIONS[this.#ids++ % SUGGESTIONS.length] ?? '',
      bits: 77,
    }),
    'account.password_strength': ({ password }) => {
      const bits = bitsOf(password);
      return { bits, acceptable: bits >= 46.5, advice: [] };
    },

    'account.change_password': ({ old, new: next }) => {
      if (old !== this.world.password) throw refusal('wrong_credentials');
      if (bitsOf(next) < 46.5) throw refusal('weak_password');
      this.world.password = next;
      return {};
    },
    'account.delete': ({ password }) => {
      if (password !== this.world.password) throw refusal('wrong_credentials');
      Object.assign(this.world, emptyWorld());
      return {};
    },
    'account.export': () => {
      this.#count('export');
      return {};
    },
    'account.import': ({ nickname, password }) => {
      if (password !== this.world.password) throw refusal('wrong_credentials');
      this.#count('import');
      Object.assign(this.world, { state: 'unlocked', me: { ...this.world.me, nickname } });
      return this.world.me;
    },

    'contact.add': ({ address, greeting }) => {
      const bare = address.replace(/^outis:/, '').replace(/\?.*$/, '');
      if (!bare.startsWith('outis1') || bare.length < 20) throw refusal('invalid_address');
      if (bare === this.world.me.address) throw refusal('self_contact');
      const contact = this.#newContact(bare);
      if (greeting) this.#send(bare, greeting);
      this.#later(2_500, () => this.#change(bare, (known) => (known.state = 'accepted')));
      return contact;
    },
    'contact.list': () => [...this.world.contacts.values()].map((contact) => this.#told(contact)),
    'contact.accept': ({ address }) => this.#change(address, (contact) => (contact.state = 'accepted')),
    'contact.decline': ({ address }) => this.#change(address, (contact) => (contact.state = 'declined')),
    'contact.block': ({ address }) => this.#change(address, (contact) => (contact.state = 'blocked')),
    'contact.unblock': ({ address }) => this.#change(address, (contact) => (contact.state = 'accepted')),
    'contact.remove': ({ address }) => {
      this.world.contacts.delete(address);
      this.world.messages.delete(address);
      return {};
    },
    'contact.rename': ({ address, alias }) =>
      this.#change(address, (contact) => (contact.alias = alias || null)),
    'contact.verify': ({ address, verified }) =>
      this.#change(address, (contact) => {
        contact.verified = verified;
        contact.device_changed = false;
      }),
    'contact.invite': ({ once }) => {
      const link = `outis:${this.world.me.address}?n=${encodeURIComponent(this.world.me.nickname)}`;
      const qr_svg = mockQr(this.world.me.address);
      if (!once) return { link, qr_svg };
      const made_at = Date.now();
      const invite = { id: made_at, made_at, expires_at: made_at + 14 * 86_400_000 };
      this.world.invites.push(invite);
      return { link: `${link}&t=${'0a'.repeat(130)}`, qr_svg, once: invite };
    },
    'contact.invites': () => this.world.invites,
    'contact.revoke_invite': ({ id }) => {
      const left = this.world.invites.filter((invite) => invite.id !== id);
      if (left.length === this.world.invites.length) throw refusal('not_found');
      this.world.invites = left;
      return {};
    },

    'message.send': ({ contact, text, reply_to }) => {
      if (new TextEncoder().encode(text).length > 65_536) throw refusal('too_large');
      return { id: this.#send(contact, text, reply_to).id };
    },
    'message.list': ({ contact, before, after, around, limit = 50 }) => {
      const all = this.#messages(contact);
      const place = (id: string): number => all.findIndex((message) => message.id === id);
      let end = before === undefined ? all.length : place(before);
      if (after !== undefined) end = place(after) + 1 + limit;
      if (around !== undefined) end = place(around) + limit - Math.floor(limit / 2);
      const start = after === undefined ? Math.max(0, end - limit) : end - limit;
      return { messages: all.slice(start, end), more: start > 0, newer: end < all.length };
    },
    'message.mark_read': ({ contact }) => {
      if (this.world.contacts.get(contact)?.unread) this.#change(contact, (known) => (known.unread = 0));
      return {};
    },
    'message.search': ({ query, contact, limit = 50 }) => {
      const wanted = query.trim().toLocaleLowerCase();
      const found = [...this.world.messages.entries()]
        .filter(([address]) => contact === undefined || address === contact)
        .flatMap(([, messages]) => messages)
        .filter(({ body }) => body.kind === 'text' && body.text.toLocaleLowerCase().includes(wanted))
        .sort((a, b) => b.sent_at - a.sent_at);
      return { messages: found.slice(0, limit), more: found.length > limit, newer: false };
    },
    'message.delete': ({ id, for_everyone }) => {
      const message = this.#message(id);
      if (for_everyone) {
        this.#update(message, { body: { kind: 'deleted' }, reactions: [] });
      } else {
        const all = this.#messages(message.contact);
        all.splice(all.indexOf(message), 1);
        this.emit({ type: 'message.removed', contact: message.contact, id });
      }
      return {};
    },
    'message.edit': ({ id, text }) =>
      this.#update(this.#message(id), { body: { kind: 'text', text }, edited_at: this.#now() }),
    'message.react': ({ id, emoji }) => {
      const message = this.#message(id);
      const theirs = message.reactions.filter(({ direction }) => direction === 'in');
      return this.#update(message, {
        reactions: emoji === '' ? theirs : [...theirs, { emoji, direction: 'out' }],
      });
    },
    'message.explain': ({ id }) => this.world.records.get(id) ?? flightRecord(this.#now()),

    'file.send': ({ contact, path }) => {
      const name = path.split('/').at(-1) ?? path;
      const transfer = this.#transfer(contact, name);
      this.#run(transfer);
      return transfer;
    },
    'file.put_bytes': ({ upload = this.#id('upload'), bytes }) => {
      const so_far = (this.world.uploads.get(upload) ?? 0) + atob(bytes).length;
      if (so_far > 16 * 1024 * 1024) throw refusal('too_large');
      this.world.uploads.set(upload, so_far);
      return { upload, size: so_far };
    },
    'file.send_bytes': ({ contact, name, upload = '', bytes = '', voice }) => {
      const size = (this.world.uploads.get(upload) ?? 0) + atob(bytes).length;
      if (size > 16 * 1024 * 1024) throw refusal('too_large');
      this.world.uploads.delete(upload);
      const transfer = this.#transfer(contact, name, { size, ...(voice && { voice }) });
      this.#run(transfer);
      return transfer;
    },
    'file.accept': ({ id }) => {
      const transfer = this.#changeTransfer(id, { state: 'active' });
      this.#run(transfer);
      return transfer;
    },
    'file.decline': ({ id }) => this.#changeTransfer(id, { state: 'declined' }),
    'file.pause': ({ id }) => this.#changeTransfer(id, { state: 'paused' }),
    'file.resume': ({ id }) => {
      const transfer = this.#changeTransfer(id, { state: 'active' });
      this.#run(transfer);
      return transfer;
    },
    'file.cancel': ({ id }) => this.#changeTransfer(id, { state: 'cancelled' }),
    'file.save': () => ({}),
    'file.read': ({ id, offset = 0 }) => {
      const { size } = this.world.transfers.get(id) ?? { size: 0 };
      return { bytes: btoa('\0'.repeat(Math.min(1024 * 1024, Math.max(0, size - offset)))), size };
    },
    'file.thumbnail': () => THUMBNAIL,
    'file.list': ({ contact }) =>
      [...this.world.transfers.values()].filter((one) => contact === undefined || one.contact === contact),

    'conversation.draft': ({ contact, text }) => {
      if (text !== undefined) this.world.drafts.set(contact, text);
      return { text: this.world.drafts.get(contact) ?? '' };
    },
    'conversation.typing': () => ({}),
    'conversation.set': ({ contact, ...change }) => {
      const chosen = { ...(this.world.conversations.get(contact) ?? PLAIN_CONVERSATION), ...change };
      this.world.conversations.set(contact, chosen);
      if (this.world.contacts.has(contact)) this.#change(contact, () => undefined);
      return chosen;
    },

    'network.status': () => this.world.network,
    'network.add_peer': ({ address }) => {
      if (!address.startsWith('/')) throw refusal('invalid_address');
      this.world.network = onlineNetwork(this.world.network.relays_known + 6);
      this.emit({ type: 'network.updated', status: this.world.network });
      return {};
    },
    'settings.get': () => this.world.settings,
    'settings.set': (change) => Object.assign(this.world.settings, change),

    app_info: () => ({ version: '0.1.0', sandbox: this.world.sandbox, automation: false }),
    sandbox_start: () => {
      this.world.state = 'unlocked';
      this.world.sandbox = true;
      this.#newContact(mockAddress('Echo'), { nickname: 'Echo', state: 'accepted' });
      return this.world.me;
    },
    sandbox_stop: () => {
      this.world.state = 'locked';
      this.world.sandbox = false;
      return {};
    },
    pick_file: () => ({ path: '/home/ada/map-of-ithaca.pdf', name: 'map-of-ithaca.pdf', size: 8_400_000 }),
    pick_save: ({ suggested_name }) => `/home/ada/${suggested_name}`,
    clipboard_copy: () => ({}),
    open_link: () => ({}),
    shell_get: () => ({ autostart: this.#autostart, tray: true }),
    shell_set: ({ autostart }) => {
      this.#autostart = autostart ?? this.#autostart;
      return { autostart: this.#autostart, tray: true };
    },
    shell_words: () => ({}),
  };

  #count(operation: string): void {
    for (let done = 0; done <= 10; done++) this.emit({ type: 'progress', operation, done, total: 10 });
  }

  async #derive(): Promise<void> {
    const steps = this.#derivationMs > 0 ? 20 : 0;
    for (let done = 0; done < steps; done++) {
      this.emit({ type: 'progress', operation: 'derive', done, total: steps });
      await new Promise<void>((resolve) => this.#later(this.#derivationMs / steps, resolve));
    }
  }

  #send(contact: string, text: string, replyTo?: string): Message {
    const self = contact === this.world.me.address;
    const known = this.world.contacts.get(contact);
    if (!known && !self) throw refusal('not_a_contact');
    if (known?.state === 'blocked') throw refusal('blocked');
    const message = sentText(this.#id('out'), contact, text, this.#now());
    if (replyTo !== undefined) message.reply_to = replyTo;
    if (self) message.state = 'delivered';
    this.#messages(contact).push(message);
    if (known) this.#change(contact, (changed) => (changed.last_message_at = message.sent_at));
    this.emit({ type: 'message.updated', message });
    if (known?.state === 'accepted') {
      this.#later(300, () => this.#update(message, { state: 'stored' }));
      this.#later(900, () => this.#update(message, { state: 'delivered' }));
      this.#later(1_400, () => void this.receive(contact, text));
    }
    return message;
  }

  #update(message: Message, change: Partial<Message>): Message {
    Object.assign(message, change);
    this.emit({ type: 'message.updated', message });
    return message;
  }

  #message(id: string): Message {
    for (const messages of this.world.messages.values()) {
      const found = messages.find((message) => message.id === id);
      if (found) return found;
    }
    throw refusal('not_found');
  }

  /** A contact as the core tells it: with its last line and what was chosen for it. */
  #told(contact: Contact): Contact {
    const draft = this.world.drafts.get(contact.address);
    return {
      ...contact,
      ...(draft && { draft: [...draft].slice(0, 200).join('') }),
      last_message: this.#messages(contact.address).at(-1) ?? null,
      conversation: this.world.conversations.get(contact.address) ?? PLAIN_CONVERSATION,
    };
  }

  #transfer(contact: string, name: string, more: Partial<Transfer> = {}): Transfer {
    const id = this.#id('transfer');
    const transfer: Transfer = {
      id,
      contact,
      direction: 'out',
      name,
      folder: false,
      size: 8_400_000,
      done: 0,
      state: 'active',
      rate: 2_100_000,
      ...more,
    };
    this.world.transfers.set(id, transfer);
    const message: Message = {
      id: this.#id('out'),
      contact,
      direction: 'out',
      body: {
        kind: 'file',
        transfer: id,
        name,
        size: transfer.size,
        ...(transfer.voice && { voice: transfer.voice }),
      },
      sent_at: this.#now(),
      state: 'stored',
      reactions: [],
    };
    this.#messages(contact).push(message);
    this.emit({ type: 'message.updated', message });
    return transfer;
  }

  #run(transfer: Transfer): void {
    this.#later(200, () => {
      if (transfer.state !== 'active') return;
      const done = Math.min(transfer.size, transfer.done + transfer.size / 20);
      const state = done >= transfer.size ? 'complete' : 'active';
      this.#changeTransfer(transfer.id, { done, state, rate: 2_100_000 });
      this.#run(transfer);
    });
  }

  #changeTransfer(id: string, change: Partial<Transfer>): Transfer {
    const transfer = this.world.transfers.get(id);
    if (!transfer) throw refusal('not_found');
    Object.assign(transfer, change);
    this.emit({ type: 'transfer.updated', transfer });
    return transfer;
  }

  #newContact(address: string, more: Partial<Contact> = {}): Contact {
    const contact: Contact = {
      address,
      nickname: '',
      alias: null,
      state: 'requested',
      verified: false,
      device_changed: false,
      safety_number: '0'.repeat(60),
      unread: 0,
      last_message_at: null,
      returning: false,
      last_message: null,
      added_at: this.#now(),
      conversation: PLAIN_CONVERSATION,
      ...more,
    };
    this.world.contacts.set(address, contact);
    return contact;
  }

  #change(address: string, change: (contact: Contact) => void): Contact {
    const contact = this.world.contacts.get(address);
    if (!contact) throw refusal('not_found');
    change(contact);
    this.emit({ type: 'contact.updated', contact: this.#told(contact) });
    return this.#told(contact);
  }

  #messages(contact: string): Message[] {
    const messages = this.world.messages.get(contact) ?? [];
    this.world.messages.set(contact, messages);
    return messages;
  }

  #id(prefix: string): string {
    return `${prefix}-${this.#ids++}`;
  }
}

const DERIVING = new Set<Method>([
  'account.create',
  'account.unlock',
  'account.import',
  'account.change_password',
  'sandbox_start',
]);

import { createContext } from 'svelte';
import { BackendError, type Backend, type Drop } from '$lib/api/backend';
import type { Contact, Event } from '$lib/api/dto';
import { NOTHING_CHOSEN } from '$lib/domain/contact';
import type { Key } from '$lib/i18n/catalogue';
import { ClockState } from './clock.svelte';
import { ContactsState } from './contacts.svelte';
import { ConversationsState } from './conversations.svelte';
import { EmojiState } from './emoji.svelte';
import { Find } from './find.svelte';
import { I18nState } from './i18n.svelte';
import { IdleState } from './idle.svelte';
import { NavigationState } from './navigation.svelte';
import { NetworkState } from './network.svelte';
import { NoticesState } from './notices.svelte';
import { SessionState } from './session.svelte';
import { SettingsState } from './settings.svelte';
import { ShellState } from './shell.svelte';
import { TransfersState } from './transfers.svelte';
import { TypingState } from './typing.svelte';
import { VoiceState } from './voice.svelte';

/** All of the page's state, and the one place where events from the core are told apart. */
export class AppState {
  readonly i18n: I18nState;
  readonly session: SessionState;
  readonly settings: SettingsState;
  readonly shell: ShellState;
  readonly contacts: ContactsState;
  readonly conversations: ConversationsState;
  readonly transfers: TransfersState;
  readonly network: NetworkState;
  readonly navigation = new NavigationState();
  readonly notices = new NoticesState();
  readonly clock = new ClockState();
  readonly emoji = new EmojiState();
  readonly typing = new TypingState();
  readonly voice: VoiceState;
  /** Looking for words in all conversations. */
  readonly find: Find;
  readonly idle: IdleState;
  /** Whether files are held over the window. */
  dragging = $state(false);
  startError = $state<string | null>(null);
  readonly #backend: Backend;
  #touched = 0;
  #stopListening: (() => void)[] = [];

  constructor(backend: Backend, systemLocales: readonly string[]) {
    this.#backend = backend;
    this.i18n = new I18nState(systemLocales);
    this.settings = new SettingsState(backend, this.i18n);
    this.shell = new ShellState(backend, this.i18n);
    this.session = new SessionState(backend, () => this.#load());
    this.conversations = new ConversationsState(backend);
    this.contacts = new ContactsState(backend, () => this.#noteToSelf());
    this.transfers = new TransfersState(backend);
    this.network = new NetworkState(backend);
    this.voice = new VoiceState(backend);
    this.find = new Find(backend, null);
    this.idle = new IdleState(
      () => this.settings.lockAfter,
      () => this.#idled(),
    );
  }

  async start(): Promise<void> {
    this.clock.start();
    try {
      this.#stopListening = await Promise.all([
        this.#backend.listen((event) => this.take(event)),
        this.#backend.listenDrops((drop) => this.#dropped(drop)),
      ]);
      this.idle.start();
      await this.shell.load();
      await this.session.start();
    } catch (thrown) {
      this.startError = BackendError.from(thrown).message;
    }
  }

  stop(): void {
    this.clock.stop();
    this.idle.stop();
    for (const stop of this.#stopListening) stop();
  }

  take(event: Event): void {
    switch (event.type) {
      case 'message.received':
        this.typing.ended(event.message.contact);
        return this.conversations.take(event.message);
      case 'message.updated':
        return this.conversations.take(event.message);
      case 'message.removed':
        return this.conversations.removed(event.contact, event.id);
      case 'contact.typing':
        return this.typing.begun(event.contact);
      case 'account.locked':
        return this.#locked();
      case 'contact.request':
      case 'contact.updated':
        this.conversations.last(event.contact);
        return this.contacts.updated(event.contact);
      case 'contact.removed':
        return this.#removed(event.contact);
      case 'events.missed':
        return void this.attempt(() => this.#load());
      case 'transfer.updated':
        return this.transfers.updated(event.transfer);
      case 'network.updated':
        return this.network.updated(event.status);
      case 'progress':
        return this.session.progressed(event);
      case 'account.superseded':
        return this.session.superseded();
    }
  }

  /** Somebody is there: the account need not lock itself. */
  touched(): void {
    this.idle.touch();
    const now = Date.now();
    if (this.session.phase === 'locked' || now - this.#touched < TOUCH_EVERY) return;
    this.#touched = now;
    // The core keeps the time, too: it locks also when the page is gone.
    void this.#backend.call('account.touch', {}).catch(() => undefined);
  }

  /** Locks (or leaves the sandbox) and forgets what was shown. */
  async leave(entry: 'welcome' | 'sign-in' = 'welcome'): Promise<void> {
    await this.conversations.keepDrafts();
    await this.attempt(() => this.session.leave());
    if (this.session.phase !== 'locked') return;
    this.#clear();
    this.navigation.entry = entry;
  }

  /** Deletes the account from this machine and shows the door. */
  async deleteAccount(password: string): Promise<void> {
    await this.session.delete(password);
    this.#clear();
  }

  /** Removes a contact and everything of theirs from the screen. */
  async remove(contact: string): Promise<void> {
    await this.attempt(async () => {
      await this.contacts.remove(contact);
      this.#removed(contact);
    });
  }

  #removed(contact: string): void {
    this.contacts.removed(contact);
    this.conversations.forget(contact);
    if (this.navigation.contact === contact) this.navigation.go({ name: 'empty' });
  }

  async copy(text: string): Promise<boolean> {
    return this.attempt(() => this.#backend.call('clipboard_copy', { text }));
  }

  async openLink(url: string): Promise<void> {
    await this.attempt(() => this.#backend.call('open_link', { url }));
  }

  /** Does something; a refusal is shown in the person's words. True if it went well. */
  async attempt(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (thrown) {
      if (BackendError.from(thrown).code === 'locked') this.#locked();
      this.notices.show(this.explainError(thrown), 'error');
      return false;
    }
  }

  /** Words for a refusal; some screens have better ones for some codes. */
  explainError(thrown: unknown, better: Partial<Record<string, Key>> = {}): string {
    const error = BackendError.from(thrown);
    const key = better[error.code] ?? `error.${error.code}`;
    return this.i18n.tOptional(key) ?? this.i18n.t('error.internal');
  }

  async #load(): Promise<void> {
    await Promise.all([
      this.settings.load(),
      this.contacts.load(),
      this.transfers.load(),
      this.network.load(),
    ]);
    for (const contact of this.contacts.all) this.conversations.last(contact);
    void this.conversations.loadPreviews(
      this.contacts.all.filter((contact) => contact.last_message === undefined).map(({ address }) => address),
    );
  }

  /** One's own conversation, which the core keeps and lists nowhere. */
  #noteToSelf(): Contact | null {
    const { account } = this.session;
    if (!account) return null;
    const last = this.conversations.preview(account.address);
    return {
      address: account.address,
      nickname: this.i18n.t('self.name'),
      alias: null,
      state: 'accepted',
      verified: false,
      device_changed: false,
      safety_number: '',
      unread: 0,
      last_message_at: last?.sent_at ?? null,
      returning: false,
      added_at: account.created_at,
      last_message: last ?? null,
      conversation: NOTHING_CHOSEN,
    };
  }

  #idled(): void {
    if (this.session.phase !== 'locked' && !this.session.sandbox) void this.leave('sign-in');
  }

  /** Files let go over a conversation are sent there. */
  #dropped(drop: Drop): void {
    this.dragging = drop.kind === 'over' && this.navigation.contact !== null;
    const { contact } = this.navigation;
    if (drop.kind !== 'dropped' || contact === null || this.navigation.overlay) return;
    void this.attempt(() => this.transfers.sendAll(contact, drop.paths));
  }

  /** The core locked without being asked by this page. */
  #locked(): void {
    if (this.session.phase === 'locked') return;
    this.session.left();
    this.#clear();
    this.navigation.entry = 'sign-in';
  }

  #clear(): void {
    this.navigation.clear();
    this.contacts.clear();
    this.conversations.clear();
    this.transfers.clear();
    this.voice.clear();
    this.network.clear();
    this.notices.clear();
    this.find.close();
    this.emoji.clear();
    this.typing.clear();
  }
}

const TOUCH_EVERY = 20_000;

/** The state that components share. */
export const [useApp, provideApp] = createContext<AppState>();

import type { Backend } from '$lib/api/backend';
import type { Account, Known, PasswordStrength, Suggestion } from '$lib/api/dto';

/** Whether somebody is in. `asking`: restored here, but the network does not know the account. */
export type Phase = 'starting' | 'locked' | 'asking' | 'unlocked' | 'superseded';

export interface Progress {
  done: number;
  total: number | undefined;
}

/** The account of this window: who it is, and the way in and out. */
export class SessionState {
  phase = $state<Phase>('starting');
  account = $state.raw<Account | null>(null);
  /** What the network said of a restored account, while the person is asked about it. */
  known = $state<Known>(true);
  sandbox = $state(false);
  version = $state('');
  /** Of the key derivation or whatever else the core reports on. */
  progress = $state.raw<Progress | null>(null);
  readonly #backend: Backend;
  readonly #entered: () => Promise<void>;

  /** `entered` loads what a person sees inside. */
  constructor(backend: Backend, entered: () => Promise<void>) {
    this.#backend = backend;
    this.#entered = entered;
  }

  async start(): Promise<void> {
    const info = await this.#backend.call('app_info', {});
    this.version = info.version;
    this.sandbox = info.sandbox;
    const { state, account } = await this.#backend.call('account.status', {});
    if (state === 'locked' || !account) {
      this.phase = 'locked';
    } else {
      await this.#enter(account, state);
    }
  }

  async create(nickname: string, password: string): Promise<void> {
    const account = await this.#working(this.#backend.call('account.create', { nickname, password }));
    await this.#enter(account, 'unlocked');
  }

  async unlock(nickname: string, password: string, how: 'here' | 'restore'): Promise<void> {
    const restore = how === 'restore' ? { restore: true as const } : {};
    const unlocked = await this.#working(
      this.#backend.call('account.unlock', { nickname, password, ...restore }),
    );
    this.known = unlocked.known ?? true;
    if (this.known === true) {
      await this.#enter(unlocked, 'unlocked');
    } else {
      this.account = unlocked;
      this.phase = 'asking';
    }
  }

  async confirmNew(): Promise<void> {
    await this.#backend.call('account.confirm_new', {});
    if (this.account) await this.#enter(this.account, 'unlocked');
  }

  async startSandbox(): Promise<void> {
    const account = await this.#working(this.#backend.call('sandbox_start', {}));
    this.sandbox = true;
    await this.#enter(account, 'unlocked');
  }

  /** Out: the sandbox goes altogether, an account is locked. */
  async leave(): Promise<void> {
    if (this.sandbox) {
      await this.#backend.call('sandbox_stop', {});
      this.sandbox = false;
    } else {
      await this.#backend.call('account.lock', {});
    }
    this.left();
  }

  left(): void {
    this.account = null;
    this.progress = null;
    this.phase = 'locked';
  }

  superseded(): void {
    if (this.phase === 'unlocked') this.phase = 'superseded';
  }

  progressed(done: number, total: number | undefined): void {
    this.progress = { done, total };
  }

  async suggestPassphrase(): Promise<Suggestion> {
    return this.#backend.call('account.suggest_passphrase', {});
  }

  async passwordStrength(nickname: string, password: string): Promise<PasswordStrength> {
    return this.#backend.call('account.password_strength', { nickname, password });
  }

  async #enter(account: Account, phase: 'unlocked' | 'superseded'): Promise<void> {
    await this.#entered();
    this.account = account;
    this.phase = phase;
  }

  async #working<T>(work: Promise<T>): Promise<T> {
    this.progress = null;
    try {
      return await work;
    } finally {
      this.progress = null;
    }
  }
}

import type { Backend } from '$lib/api/backend';
import type { Account, Known, PasswordStrength, PickedFile, Suggestion, Unlocked } from '$lib/api/dto';

/** Whether somebody is in. `asking`: restored here, but the network does not know the account. */
export type Phase = 'starting' | 'locked' | 'asking' | 'unlocked' | 'superseded';

export interface Progress {
  operation: string;
  done: number;
  total?: number;
}

/** The person stopped what was going on; nothing of it stays. */
export class Stopped extends Error {}

/** The account of this window: who it is, and the way in and out. */
export class SessionState {
  phase = $state<Phase>('starting');
  account = $state.raw<Account | null>(null);
  /** What the network said of a restored account, while the person is asked about it. */
  known = $state<Known>(true);
  sandbox = $state(false);
  /** Whether this machine may write what is in memory to a disk. */
  swappable = $state(false);
  version = $state('');
  /** Of the key derivation or whatever else the core reports on. */
  progress = $state.raw<Progress | null>(null);
  readonly #backend: Backend;
  readonly #entered: () => Promise<void>;
  #stop: (() => void) | undefined;
  /** What was stopped and still runs in the core, and then is undone. */
  #undoing: Promise<unknown> = Promise.resolve();

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
    const account = await this.#working(
      () => this.#backend.call('account.create', { nickname, password }),
      () => this.#backend.call('account.delete', { password }),
    );
    await this.#enter(account, 'unlocked');
  }

  async unlock(nickname: string, password: string, how: 'here' | 'restore'): Promise<void> {
    const restore = how === 'restore' ? { restore: true as const } : {};
    const unlocked = await this.#working(
      () => this.#backend.call('account.unlock', { nickname, password, ...restore }),
      () =>
        how === 'here'
          ? this.#backend.call('account.lock', {})
          : this.#backend.call('account.delete', { password }),
    );
    await this.#admit(unlocked);
  }

  async confirmNew(): Promise<void> {
    await this.#backend.call('account.confirm_new', {});
    if (this.account) await this.#enter(this.account, 'unlocked');
  }

  async startSandbox(): Promise<void> {
    const account = await this.#working(
      () => this.#backend.call('sandbox_start', {}),
      () => this.#backend.call('sandbox_stop', {}),
    );
    this.sandbox = true;
    await this.#enter(account, 'unlocked');
  }

  /** Puts a damaged container aside and begins again with what is kept beside it. */
  async startOver(nickname: string, password: string): Promise<void> {
    await this.#admit(
      await this.#working(
        () => this.#backend.call('account.start_over', { nickname, password }),
        () => this.#backend.call('account.lock', {}),
      ),
    );
  }

  /** Opens what was exported elsewhere, as a new device of its account. */
  async import(path: string, nickname: string, password: string): Promise<void> {
    const imported = await this.#working(
      () => this.#backend.call('account.import', { path, nickname, password }),
      () => this.#backend.call('account.delete', { password }),
    );
    await this.#admit(imported);
  }

  /** Stops what `create`, `unlock` and their like wait for: it rejects with `Stopped`, and its result is undone. */
  stop(): void {
    this.#stop?.();
  }

  /** Asks where to, and writes one sealed file there. False if the person chose no place. */
  async export(suggestedName: string): Promise<boolean> {
    const path = await this.#backend.call('pick_save', { suggested_name: suggestedName });
    if (path === null) return false;
    try {
      await this.#backend.call('account.export', { path });
    } finally {
      this.progress = null;
    }
    return true;
  }

  /** A file that was exported, chosen by the person; null if they chose none. */
  async pickExport(): Promise<PickedFile | null> {
    return this.#backend.call('pick_file', {});
  }

  async changePassword(old: string, next: string): Promise<void> {
    try {
      await this.#backend.call('account.change_password', { old, new: next });
    } finally {
      this.progress = null;
    }
  }

  /** Deletes this machine's container. */
  async delete(password: string): Promise<void> {
    await this.#backend.call('account.delete', { password });
    this.left();
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

  progressed(progress: Progress): void {
    this.progress = progress;
  }

  async suggestPassphrase(): Promise<Suggestion> {
    return this.#backend.call('account.suggest_passphrase', {});
  }

  async passwordStrength(nickname: string, password: string): Promise<PasswordStrength> {
    return this.#backend.call('account.password_strength', { nickname, password });
  }

  /** In, unless the network does not know the account: then the person is asked first. */
  async #admit(unlocked: Unlocked): Promise<void> {
    this.known = unlocked.known ?? true;
    if (this.known === true) return this.#enter(unlocked, 'unlocked');
    this.account = unlocked;
    this.phase = 'asking';
  }

  async #enter(account: Account, phase: 'unlocked' | 'superseded'): Promise<void> {
    this.account = account;
    const status = await this.#backend.call('account.status', {});
    this.swappable = status.may_be_swapped ?? false;
    await this.#entered();
    this.phase = phase;
  }

  async #working<T>(begin: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
    this.progress = null;
    const stopped = new Promise<never>((_, reject) => {
      this.#stop = () => reject(new Stopped());
    });
    const before = this.#undoing;
    const work = before.then(begin);
    try {
      return await Promise.race([work, stopped]);
    } catch (thrown) {
      if (thrown instanceof Stopped) this.#undoing = work.then(undo).catch(() => undefined);
      throw thrown;
    } finally {
      this.#stop = undefined;
      this.progress = null;
    }
  }
}

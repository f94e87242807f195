/** Notices that nobody has touched mouse or keyboard for as long as the person allowed. */
export class IdleState {
  readonly #minutes: () => number | null;
  readonly #idled: () => void;
  readonly #now: () => number;
  #touched: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(minutes: () => number | null, idled: () => void, now: () => number = () => Date.now()) {
    this.#minutes = minutes;
    this.#idled = idled;
    this.#now = now;
    this.#touched = now();
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  touch(): void {
    this.#touched = this.#now();
  }

  /** A machine that slept counts as idle for as long as it slept: the time is read, not counted. */
  look(): void {
    const minutes = this.#minutes();
    if (minutes === null || this.#now() - this.#touched < minutes * 60_000) return;
    this.touch();
    this.#idled();
  }
}

const LOOK_EVERY = 5_000;

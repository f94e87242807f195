import type { Backend } from '$lib/api/backend';
import type { Message } from '$lib/api/dto';

/** Looking for words among messages: in one conversation, or in all. */
export class Find {
  open = $state(false);
  query = $state('');
  hits = $state.raw<readonly Message[]>([]);
  more = $state(false);
  /** Which hit is shown; 0 is the newest. */
  at = $state(0);
  busy = $state(false);
  readonly #backend: Backend;
  readonly #contact: string | null;
  #asked = 0;

  readonly hit: Message | undefined = $derived.by(() => this.hits[this.at]);

  constructor(backend: Backend, contact: string | null) {
    this.#backend = backend;
    this.#contact = contact;
  }

  /** Asks the core; an answer to what is no longer asked is let go. */
  async run(query: string): Promise<void> {
    const turn = ++this.#asked;
    const wanted = query.trim();
    if (wanted === '') return this.#found([], false);
    this.busy = true;
    const where = this.#contact === null ? {} : { contact: this.#contact };
    const page = await this.#backend
      .call('message.search', { query: wanted, ...where, limit: MOST })
      .finally(() => {
        if (turn === this.#asked) this.busy = false;
      });
    if (turn === this.#asked) this.#found(page.messages, page.more);
  }

  /** To an older hit, or a newer one; round again at the end. */
  step(by: 1 | -1): void {
    if (this.hits.length > 0) this.at = (this.at + by + this.hits.length) % this.hits.length;
  }

  close(): void {
    this.open = false;
    this.query = '';
    this.#asked += 1;
    this.busy = false;
    this.#found([], false);
  }

  #found(hits: readonly Message[], more: boolean): void {
    this.hits = hits;
    this.more = more;
    this.at = 0;
  }
}

const MOST = 100;

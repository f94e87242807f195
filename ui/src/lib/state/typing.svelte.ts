import { SvelteMap } from 'svelte/reactivity';

/** Who is writing just now. Nobody says when they stop: it is over after some seconds. */
export class TypingState {
  readonly #ends = new SvelteMap<string, ReturnType<typeof setTimeout>>();

  is(contact: string): boolean {
    return this.#ends.has(contact);
  }

  begun(contact: string): void {
    clearTimeout(this.#ends.get(contact));
    this.#ends.set(
      contact,
      setTimeout(() => this.ended(contact), LASTS),
    );
  }

  ended(contact: string): void {
    clearTimeout(this.#ends.get(contact));
    this.#ends.delete(contact);
  }

  clear(): void {
    for (const contact of [...this.#ends.keys()]) this.ended(contact);
  }
}

const LASTS = 6_000;

import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/api/backend';
import type { Transfer } from '$lib/api/dto';

/** Files on their way and those that have come, by id. */
export class TransfersState {
  readonly #byId = new SvelteMap<string, Transfer>();
  // Asked for while drawing, and never changed: not reactive.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #thumbnails = new Map<string, string | null>();
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Newest last, as they were begun. */
  readonly all: Transfer[] = $derived.by(() => [...this.#byId.values()]);
  /** How many move or wait. */
  readonly moving: number = $derived.by(() => this.all.filter(isMoving).length);

  with(contact: string): Transfer[] {
    return this.all.filter((transfer) => transfer.contact === contact);
  }

  get(id: string): Transfer | undefined {
    return this.#byId.get(id);
  }

  async load(): Promise<void> {
    for (const transfer of await this.#backend.call('file.list', {})) this.updated(transfer);
  }

  updated(transfer: Transfer): void {
    this.#byId.set(transfer.id, transfer);
  }

  /** Asks for a file and offers it. False if the person chose none. */
  async send(contact: string): Promise<boolean> {
    const file = await this.#backend.call('pick_file', {});
    if (!file) return false;
    this.updated(await this.#backend.call('file.send', { contact, path: file.path }));
    return true;
  }

  /** Offers files that lie on this machine, one after the other. */
  async sendAll(contact: string, paths: readonly string[]): Promise<void> {
    for (const path of paths) this.updated(await this.#backend.call('file.send', { contact, path }));
  }

  async accept(id: string): Promise<void> {
    this.updated(await this.#backend.call('file.accept', { id }));
  }

  async decline(id: string): Promise<void> {
    this.updated(await this.#backend.call('file.decline', { id }));
  }

  async pause(id: string): Promise<void> {
    this.updated(await this.#backend.call('file.pause', { id }));
  }

  async resume(id: string): Promise<void> {
    this.updated(await this.#backend.call('file.resume', { id }));
  }

  async cancel(id: string): Promise<void> {
    this.updated(await this.#backend.call('file.cancel', { id }));
  }

  /** A small picture of an image that came, as an address for `<img>`; null if there is none. */
  async thumbnail(id: string): Promise<string | null> {
    const known = this.#thumbnails.get(id);
    if (known !== undefined) return known;
    const made = await this.#backend.call('file.thumbnail', { id }).catch(() => null);
    const picture = made && PICTURES.has(made.mime) ? `data:${made.mime};base64,${made.data}` : null;
    this.#thumbnails.set(id, picture);
    return picture;
  }

  /** Asks where to and writes it there. False if the person chose no place. */
  async save(transfer: Transfer): Promise<boolean> {
    const path = await this.#backend.call('pick_save', { suggested_name: transfer.name });
    if (path === null) return false;
    await this.#backend.call('file.save', { id: transfer.id, path });
    return true;
  }

  clear(): void {
    this.#byId.clear();
    this.#thumbnails.clear();
  }
}

/** Whether a file that came may have a thumbnail: by its name alone, the core looks inside. */
export function mayHaveThumbnail({ direction, state, name }: Transfer): boolean {
  return direction === 'in' && state === 'complete' && /\.(jpe?g|png|gif|webp|bmp)$/i.test(name);
}

/** Whether there is still something to come. */
export function isMoving({ state }: Transfer): boolean {
  return state === 'active' || state === 'paused' || state === 'waiting' || state === 'offered';
}

/** What the core makes thumbnails of: nothing else is shown. */
const PICTURES = new Set(['image/png', 'image/jpeg']);

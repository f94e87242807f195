import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$lib/api/backend';
import type { SendBytes, Transfer, Upload } from '$lib/api/dto';
import type { Spoken } from '$lib/voice/recording';

/** A picture from the clipboard. */
export interface Picture {
  name: string;
  bytes: Uint8Array;
  /** To be looked at before it is sent. */
  preview: string;
}

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
  async send(contact: string, images: 'bare' | 'as they are' = 'bare'): Promise<boolean> {
    const file = await this.#backend.call('pick_file', {});
    if (!file) return false;
    const kept = images === 'bare' ? {} : { keep_metadata: true };
    this.updated(await this.#backend.call('file.send', { contact, path: file.path, ...kept }));
    return true;
  }

  /** Offers files that lie on this machine, one after the other. */
  async sendAll(contact: string, paths: readonly string[]): Promise<void> {
    for (const path of paths) this.updated(await this.#backend.call('file.send', { contact, path }));
  }

  /** Offers a picture that lies in no file; what a camera wrote into it stays here. */
  async sendPicture(contact: string, { name, bytes }: Picture): Promise<void> {
    await this.#sendBytes(bytes, { contact, name });
  }

  /** Offers what was spoken. */
  async sendVoice(contact: string, { bytes, ms, waveform }: Spoken): Promise<void> {
    await this.#sendBytes(bytes, { contact, name: 'voice.ogg', voice: { ms, waveform } });
  }

  async #sendBytes(bytes: Uint8Array, what: SendBytes): Promise<void> {
    let upload: Pick<SendBytes, 'upload'> = {};
    for (let at = 0; at < bytes.length; at += STEP) {
      const step = toBase64(bytes.subarray(at, at + STEP));
      const put: Upload = await this.#backend.call('file.put_bytes', { ...upload, bytes: step });
      upload = { upload: put.upload };
    }
    this.updated(await this.#backend.call('file.send_bytes', { ...what, ...upload }));
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

/** Whether a file may have a thumbnail: by its name alone, the core looks inside. Of one's own, what was pasted has one. */
export function mayHaveThumbnail({ direction, state, name }: Transfer): boolean {
  return (direction === 'out' || state === 'complete') && /\.(jpe?g|png|gif|webp|bmp)$/i.test(name);
}

/** Whether there is still something to come. */
export function isMoving({ state }: Transfer): boolean {
  return state === 'active' || state === 'paused' || state === 'waiting' || state === 'offered';
}

/** What the core makes thumbnails of: nothing else is shown. */
const PICTURES = new Set(['image/png', 'image/jpeg']);

/** Takes a picture from the clipboard; null for what is none, or too large to hand over. */
export async function pastedPicture(data: DataTransfer | null, at: Date): Promise<Picture | null> {
  const file = [...(data?.files ?? [])].find(({ type }) => EXTENSIONS.has(type));
  if (!file || file.size > MOST_BYTES) return null;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const day = at.toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  const name = `${day}.${EXTENSIONS.get(file.type)}`;
  return { name, bytes, preview: `data:${file.type};base64,${toBase64(bytes)}` };
}

/** As the core takes bytes. */
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32_768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  }
  return btoa(text);
}

const EXTENSIONS = new Map([
  ['image/png', 'png'],
  ['image/jpeg', 'jpg'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
]);
/** The core takes no more at once. */
const MOST_BYTES = 16 * 1_048_576;
/** Bytes of one call. */
const STEP = 393_216;

import type { Backend } from '$lib/api/backend';
import type { Transfer } from '$lib/api/dto';
import { Playing } from '$lib/voice/playing';
import { canRecord, Recording, type Spoken } from '$lib/voice/recording';

/** One microphone and one loudspeaker: what is being spoken, and what is being listened to. */
export class VoiceState {
  /** Whom one is speaking to. */
  contact = $state<string | null>(null);
  ms = $state(0);
  /** The last moments, for the eye. */
  levels = $state.raw<readonly number[]>([]);
  /** What is being listened to, by its transfer. */
  transfer = $state<string | null>(null);
  paused = $state(false);
  /** Seconds of it. */
  at = $state(0);
  readonly possible = canRecord();
  readonly #backend: Backend;
  #recording: Recording | null = null;
  #playing: Playing | null = null;
  #turn = 0;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Begins to listen to the microphone. Rejects where there is none, or it may not be used. */
  async record(contact: string): Promise<void> {
    await this.cancel();
    this.stop();
    const turn = ++this.#turn;
    this.contact = contact;
    try {
      const recording = await Recording.begin((level, ms) => {
        this.ms = ms;
        this.levels = [...this.levels.slice(1 - SHOWN), level];
      });
      if (turn === this.#turn) this.#recording = recording;
      else await recording.cancel();
    } catch (thrown) {
      if (turn === this.#turn) this.#reset();
      throw thrown;
    }
  }

  /** What was said; null if nothing was. */
  async finish(): Promise<{ contact: string; spoken: Spoken } | null> {
    const [recording, contact] = [this.#recording, this.contact];
    this.#reset();
    const spoken = await recording?.end();
    return contact !== null && spoken ? { contact, spoken } : null;
  }

  async cancel(): Promise<void> {
    const recording = this.#recording;
    this.#turn += 1;
    this.#reset();
    await recording?.cancel();
  }

  /** Plays a voice message, pauses it, or goes on. False if it is nothing that can be played. */
  async toggle(transfer: Transfer): Promise<boolean> {
    if (this.transfer === transfer.id && this.#playing) {
      if (this.#playing.isPaused) this.#playing.resume();
      else this.#playing.pause();
      this.paused = this.#playing.isPaused;
      this.#follow();
      return true;
    }
    this.stop();
    const turn = ++this.#turn;
    const file = await this.#read(transfer.id);
    const playing = file && (await Playing.begin(file, () => this.#ended(turn)));
    if (!playing) return false;
    if (turn !== this.#turn) {
      playing.end();
      return true;
    }
    this.#playing = playing;
    this.transfer = transfer.id;
    this.paused = false;
    this.#follow();
    return true;
  }

  seek(seconds: number): void {
    this.#playing?.seek(seconds);
    this.paused = false;
    this.#follow();
  }

  stop(): void {
    const playing = this.#playing;
    this.#playing = null;
    this.transfer = null;
    this.at = 0;
    playing?.end();
  }

  clear(): void {
    void this.cancel();
    this.stop();
  }

  async #read(id: string): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    let [read, size] = [0, 1];
    while (read < size) {
      const part = await this.#backend.call('file.read', { id, offset: read });
      if (part.size > MOST_BYTES || part.bytes === '') return null;
      const bytes = Uint8Array.from(atob(part.bytes), (sign) => sign.charCodeAt(0));
      parts.push(bytes);
      read += bytes.length;
      size = part.size;
    }
    return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  }

  #follow(): void {
    if (!this.#playing) return;
    this.at = this.#playing.at;
    if (!this.#playing.isPaused) requestAnimationFrame(() => this.#follow());
  }

  #ended(turn: number): void {
    if (turn === this.#turn && this.#playing) this.stop();
  }

  #reset(): void {
    this.#recording = null;
    this.contact = null;
    this.ms = 0;
    this.levels = [];
  }
}

/** Bars of what was just said. */
const SHOWN = 48;
/** More than the longest of ours. */
const MOST_BYTES = 4 * 1_048_576;

import { FRAME, MOST_PACKETS, RATE, writeOgg } from './ogg';

/** Something that was spoken, ready to be sent. */
export interface Spoken {
  bytes: Uint8Array<ArrayBuffer>;
  ms: number;
  /** Loudness from 0 to 255, in even steps. */
  waveform: number[];
}

/**
 * Listens to the microphone and makes Opus of it, at a constant bit rate: each fiftieth of a second has the same number
 * of bytes, so that the size tells how long one spoke and nothing of what was said.
 */
export class Recording {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #encoder: AudioEncoder;
  readonly #packets: Uint8Array[] = [];
  readonly #levels: number[] = [];
  #rest = new Float32Array(0);
  #samples = 0;
  #failed: unknown = null;

  /** Asks for the microphone. Rejects where there is none, or it may not be used. */
  static async begin(onlevel: (level: number, ms: number) => void): Promise<Recording> {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    const context = new AudioContext({ sampleRate: RATE });
    try {
      await context.audioWorklet.addModule('/capture.js');
      const recording = new Recording(stream, context);
      const node = new AudioWorkletNode(context, 'capture', {
        channelCount: 1,
        channelCountMode: 'explicit',
      });
      node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => {
        recording.#take(data);
        onlevel(recording.#levels.at(-1) ?? 0, recording.#ms);
      };
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
      return recording;
    } catch (thrown) {
      for (const track of stream.getTracks()) track.stop();
      await context.close();
      throw thrown;
    }
  }

  private constructor(stream: MediaStream, context: AudioContext) {
    this.#stream = stream;
    this.#context = context;
    this.#encoder = new AudioEncoder({
      output: (chunk) => {
        const packet = new Uint8Array(chunk.byteLength);
        chunk.copyTo(packet);
        this.#packets.push(packet);
      },
      error: (error) => (this.#failed = error),
    });
    this.#encoder.configure(ENCODING);
  }

  /** Whether no more is taken: it is as long as one may be. */
  get isFull(): boolean {
    return this.#samples >= MOST_PACKETS * FRAME - RATE;
  }

  get #ms(): number {
    return Math.round((this.#samples / RATE) * 1_000);
  }

  /** What was said. Rejects if it could not be encoded; null if nothing was said. */
  async end(): Promise<Spoken | null> {
    await this.#silence();
    const said = this.#samples;
    // The encoder looks ahead: what it still holds comes out with what follows.
    this.#take(new Float32Array(2 * FRAME));
    await this.#encoder.flush();
    this.#encoder.close();
    if (this.#failed) throw this.#failed;
    if (said < FRAME) return null;
    const packets = this.#packets.slice(0, Math.ceil(said / FRAME) + 1);
    const waveform = shape(this.#levels.slice(0, Math.floor(said / FRAME)));
    return { bytes: writeOgg(packets, said), ms: Math.round((said / RATE) * 1_000), waveform };
  }

  /** Forgets everything that was said. */
  async cancel(): Promise<void> {
    await this.#silence();
    if (this.#encoder.state !== 'closed') this.#encoder.close();
    this.#packets.length = 0;
    this.#levels.length = 0;
  }

  async #silence(): Promise<void> {
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== 'closed') await this.#context.close();
  }

  #take(block: Float32Array): void {
    if (this.isFull || this.#encoder.state !== 'configured') return;
    const all = new Float32Array(this.#rest.length + block.length);
    all.set(this.#rest);
    all.set(block, this.#rest.length);
    let at = 0;
    for (; at + FRAME <= all.length; at += FRAME) this.#encode(all.slice(at, at + FRAME));
    this.#rest = all.slice(at);
  }

  #encode(frame: Float32Array<ArrayBuffer>): void {
    const timestamp = Math.round((this.#samples / RATE) * 1_000_000);
    const data = new AudioData({
      format: 'f32',
      sampleRate: RATE,
      numberOfFrames: FRAME,
      numberOfChannels: 1,
      timestamp,
      data: frame,
    });
    this.#encoder.encode(data);
    data.close();
    this.#samples += FRAME;
    this.#levels.push(loudness(frame));
  }
}

/** Whether this window can record at all. */
export function canRecord(): boolean {
  return typeof AudioEncoder === 'function' && navigator.mediaDevices !== undefined;
}

/** From 0 to 255, as loud as an ear would say: in even steps of decibels, from −60. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  const decibels = power > 0 ? 10 * Math.log10(power) : -Infinity;
  return Math.round(Math.min(1, Math.max(0, (decibels + 60) / 60)) * 255);
}

/** At most so many steps as are shown, each the loudest of what falls into it. */
export function shape(levels: readonly number[]): number[] {
  if (levels.length <= STEPS) return [...levels];
  return Array.from({ length: STEPS }, (_, step) => {
    const from = Math.floor((step * levels.length) / STEPS);
    const to = Math.floor(((step + 1) * levels.length) / STEPS);
    return Math.max(...levels.slice(from, to));
  });
}

const STEPS = 64;
const ENCODING: AudioEncoderConfig = {
  codec: 'opus',
  sampleRate: RATE,
  numberOfChannels: 1,
  bitrate: 24_000,
  bitrateMode: 'constant',
  opus: { frameDuration: 20_000 },
};

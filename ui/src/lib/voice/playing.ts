import { FRAME, RATE, readOgg } from './ogg';

/** Sound that is being played. */
export class Playing {
  readonly #context: AudioContext;
  readonly #sound: AudioBuffer;
  readonly #onend: () => void;
  #source: AudioBufferSourceNode | null = null;
  #from = 0;
  #begun = 0;
  #ended = false;

  /** Takes a file apart and plays it. Null for what is no voice message of ours. */
  static async begin(file: Uint8Array, onend: () => void): Promise<Playing | null> {
    const ogg = readOgg(file);
    if (!ogg) return null;
    const samples = await decoded(ogg.packets, ogg.samples);
    const context = new AudioContext({ sampleRate: RATE });
    const sound = context.createBuffer(1, Math.max(1, samples.length), RATE);
    sound.copyToChannel(samples, 0);
    await context.resume();
    const playing = new Playing(context, sound, onend);
    playing.seek(0);
    return playing;
  }

  private constructor(context: AudioContext, sound: AudioBuffer, onend: () => void) {
    this.#context = context;
    this.#sound = sound;
    this.#onend = onend;
  }

  /** Seconds from the beginning. */
  get at(): number {
    if (!this.#source) return this.#from;
    return Math.min(this.#sound.duration, this.#from + this.#context.currentTime - this.#begun);
  }

  get isPaused(): boolean {
    return this.#source === null;
  }

  pause(): void {
    this.#from = this.at;
    this.#stop();
  }

  resume(): void {
    this.seek(this.#from);
  }

  seek(seconds: number): void {
    this.#stop();
    this.#from = Math.min(Math.max(0, seconds), this.#sound.duration);
    const source = this.#context.createBufferSource();
    source.buffer = this.#sound;
    source.connect(this.#context.destination);
    source.onended = () => {
      if (this.#source === source) this.end();
    };
    this.#begun = this.#context.currentTime;
    source.start(0, this.#from);
    this.#source = source;
  }

  /** Ends it for good. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stop();
    void this.#context.close();
    this.#onend();
  }

  #stop(): void {
    const source = this.#source;
    this.#source = null;
    source?.stop();
  }
}

async function decoded(packets: readonly Uint8Array[], length: number): Promise<Float32Array<ArrayBuffer>> {
  const samples = new Float32Array(length);
  let at = 0;
  let failed: unknown = null;
  const decoder = new AudioDecoder({
    output: (data) => {
      const part = new Float32Array(data.numberOfFrames);
      data.copyTo(part, { planeIndex: 0, format: 'f32-planar' });
      data.close();
      samples.set(part.subarray(0, Math.max(0, length - at)), Math.min(at, length));
      at += part.length;
    },
    error: (error) => (failed = error),
  });
  decoder.configure({ codec: 'opus', sampleRate: RATE, numberOfChannels: 1 });
  packets.forEach((packet, index) => {
    const timestamp = Math.round(((index * FRAME) / RATE) * 1_000_000);
    decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, duration: 20_000, data: packet.slice() }));
  });
  await decoder.flush();
  decoder.close();
  if (failed) throw failed;
  return samples;
}

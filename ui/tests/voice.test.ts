/** Voice messages: the file they are, and what is shown of them. */
import { describe, expect, it } from 'vitest';
import { FRAME, MOST_PACKETS, RATE, readOgg, writeOgg } from '$lib/voice/ogg';
import { loudness, shape } from '$lib/voice/recording';

/** As an encoder at 24 kbit/s makes them: 60 bytes, and a first byte for one frame of 20 ms. */
const packets = (count: number, first = 0x78): Uint8Array[] =>
  Array.from({ length: count }, (_, index) =>
    Uint8Array.from({ length: 60 }, (_, at) => (at ? index + at : first)),
  );

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

describe('the file', () => {
  it('comes back as it was written', () => {
    for (const count of [2, 50, 51, 500]) {
      const written = packets(count);
      const samples = (count - 1) * FRAME;
      const read = readOgg(writeOgg(written, samples));
      expect(read?.samples).toBe(samples);
      expect(read?.packets.map(hex)).toEqual(written.map(hex));
    }
  });

  it('is Ogg with Opus in it, byte by byte, and tells nothing of its maker', () => {
    const file = writeOgg([Uint8Array.of(0x78, 1, 2)], 600);
    // The pages as another implementation of RFC 3533 makes them.
    expect(hex(file)).toBe(
      '4f6767530002000000000000000001000000000000001c9ff5d901134f707573486561640101380180bb0000000000' +
        '4f676753000000000000000000000100000001000000ef90341d01154f70757354616773050000006f7574697300000000' +
        '4f676753000490030000000000000100000002000000ece559460103780102',
    );
  });

  it('has a size that follows from its length alone', () => {
    const quiet = packets(100).map((packet) => packet.fill(0x78));
    expect(writeOgg(quiet, 99 * FRAME)).toHaveLength(writeOgg(packets(100), 99 * FRAME).length);
  });

  it('is refused where anything in it is another than we write', () => {
    const good = writeOgg(packets(60), 59 * FRAME);
    expect(readOgg(good)).not.toBeNull();
    for (let at = 0; at < good.length; at += 1) {
      const changed = good.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(readOgg(changed), `byte ${at}`).toBeNull();
    }
    for (const length of [0, 1, 27, 100, good.length - 1]) expect(readOgg(good.slice(0, length))).toBeNull();
    expect(readOgg(Uint8Array.from([...good, 0]))).toBeNull();
    expect(readOgg(Uint8Array.from([...good, ...good]))).toBeNull();
  });

  it.each([
    ['two channels', 0x7c],
    ['several frames', 0x79],
    ['frames of 10 ms', 0x70],
    ['frames of 60 ms', 0x18],
  ])('is refused with %s', (_, first) => {
    expect(readOgg(writeOgg(packets(10, first), 9 * FRAME))).toBeNull();
  });

  it('is refused when it is longer than one may speak, or says it is longer than it is', () => {
    expect(readOgg(writeOgg(packets(MOST_PACKETS + 1), RATE))).toBeNull();
    expect(readOgg(writeOgg(packets(10), 10 * FRAME))).toBeNull();
    expect(readOgg(writeOgg(packets(10), 0))).toBeNull();
  });
});

describe('what is shown', () => {
  it('is as loud as an ear would say', () => {
    const wave = (amplitude: number): Float32Array =>
      Float32Array.from({ length: FRAME }, (_, at) => amplitude * Math.sin(at / 7));
    expect(loudness(new Float32Array(FRAME))).toBe(0);
    expect(loudness(wave(1))).toBeGreaterThan(235);
    expect(loudness(wave(0.1))).toBeLessThan(loudness(wave(1)));
    expect(loudness(wave(0.01))).toBeGreaterThan(0);
  });

  it('has at most 64 steps, and keeps the loud ones', () => {
    expect(shape([1, 2, 3])).toEqual([1, 2, 3]);
    const levels = Array.from({ length: 1_000 }, (_, at) => (at === 500 ? 255 : 3));
    const shown = shape(levels);
    expect(shown).toHaveLength(64);
    expect(Math.max(...shown)).toBe(255);
  });
});

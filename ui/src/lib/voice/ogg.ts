/**
 * What is spoken, as a file that other programs play too: Opus in Ogg (RFC 7845), of one kind alone. One channel, 48 kHz,
 * packets of one frame of 20 ms. What is read must be exactly of that kind: nothing else reaches a decoder.
 *
 * Nothing in it tells of its maker: the serial number and the tags are always the same.
 */

/** Samples a second, and in a packet. */
export const RATE = 48_000;
export const FRAME = 960;
/** Five minutes: what a person says at once, and a decoder holds in memory. */
export const MOST_PACKETS = 15_000;

/** Packets as a file. `samples` is how much of them is sound: the last packet is longer than what was said. */
export function writeOgg(packets: readonly Uint8Array[], samples: number): Uint8Array<ArrayBuffer> {
  const pages = [
    page([HEAD], { flags: BEGINS, granule: 0, number: 0 }),
    page([TAGS], { flags: 0, granule: 0, number: 1 }),
  ];
  for (let at = 0; at < packets.length; at += PACKETS_A_PAGE) {
    const part = packets.slice(at, at + PACKETS_A_PAGE);
    const last = at + part.length >= packets.length;
    const granule = last ? PRE_SKIP + samples : (at + part.length) * FRAME;
    pages.push(page(part, { flags: last ? ENDS : 0, granule, number: pages.length }));
  }
  return joined(pages);
}

/** The packets of such a file, or null for anything else. */
export function readOgg(file: Uint8Array): { packets: Uint8Array[]; samples: number } | null {
  const packets: Uint8Array[] = [];
  let granule = 0;
  let ended = false;
  for (let at = 0, number = 0; at < file.length; number += 1) {
    const found = readPage(file.subarray(at), number);
    if (!found || ended) return null;
    if (number === 0 && !isSame(found.packets, HEAD)) return null;
    if (number === 1 && !isSame(found.packets, TAGS)) return null;
    if (number > 1) packets.push(...found.packets);
    if (packets.length > MOST_PACKETS || !packets.every(isFrame)) return null;
    ({ granule, ended } = found);
    at += found.size;
  }
  const samples = granule - PRE_SKIP;
  return ended && samples > 0 && granule <= packets.length * FRAME ? { packets, samples } : null;
}

interface Place {
  flags: number;
  granule: number;
  number: number;
}

function page(packets: readonly Uint8Array[], { flags, granule, number }: Place): Uint8Array {
  const lacing = packets.flatMap(({ length }) => [
    ...Array.from({ length: Math.floor(length / 255) }, () => 255),
    length % 255,
  ]);
  const made = joined([new Uint8Array(HEADER + lacing.length), ...packets]);
  const view = new DataView(made.buffer);
  made.set(CAPTURE);
  view.setUint8(5, flags);
  view.setBigUint64(6, BigInt(granule), true);
  view.setUint32(14, SERIAL, true);
  view.setUint32(18, number, true);
  view.setUint8(26, lacing.length);
  made.set(lacing, HEADER);
  view.setUint32(22, checksum(made), true);
  return made;
}

function readPage(
  file: Uint8Array,
  number: number,
): { packets: Uint8Array[]; granule: number; ended: boolean; size: number } | null {
  if (file.length < HEADER || CAPTURE.some((byte, index) => file[index] !== byte)) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const segments = view.getUint8(26);
  const flags = view.getUint8(5);
  const lacing = file.subarray(HEADER, HEADER + segments);
  const size = HEADER + segments + lacing.reduce((sum, length) => sum + length, 0);
  const known = number === 0 ? flags === BEGINS : flags === 0 || flags === ENDS;
  if (!known || lacing.length < segments || size > file.length) return null;
  if (view.getUint32(14, true) !== SERIAL || view.getUint32(18, true) !== number) return null;
  // A packet that goes on in the next page is none of ours.
  if (segments === 0 || lacing[segments - 1] === 255) return null;
  const whole = file.slice(0, size);
  whole.fill(0, 22, 26);
  if (checksum(whole) !== view.getUint32(22, true)) return null;
  const packets: Uint8Array[] = [];
  let [start, end] = [HEADER + segments, HEADER + segments];
  for (const length of lacing) {
    end += length;
    if (length === 255) continue;
    packets.push(file.slice(start, end));
    start = end;
  }
  const granule = Number(view.getBigUint64(6, true));
  return Number.isSafeInteger(granule) ? { packets, granule, ended: flags === ENDS, size } : null;
}

/** One frame of 20 ms for one channel, by its first byte (RFC 6716, 3.1). */
function isFrame(packet: Uint8Array): boolean {
  const [first] = packet;
  if (first === undefined || packet.length > 1_275 || (first & 0b111) !== 0) return false;
  const config = first >> 3;
  if (config < 12) return config % 4 === 1;
  return config < 16 ? config % 2 === 1 : config % 4 === 3;
}

function isSame(packets: readonly Uint8Array[], wanted: Uint8Array): boolean {
  const [packet] = packets;
  return (
    packets.length === 1 &&
    packet?.length === wanted.length &&
    wanted.every((byte, index) => packet[index] === byte)
  );
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** CRC-32 as Ogg has it: not reflected, from zero. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = ((sum << 8) ^ (CRC[((sum >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return sum;
}

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

const text = (words: string): number[] => [...words].map((letter) => letter.charCodeAt(0));
const CAPTURE = text('OggS').concat(0);
/** Up to where the lengths begin. */
const HEADER = 27;
const BEGINS = 2;
const ENDS = 4;
const SERIAL = 1;
const PACKETS_A_PAGE = 50;
/** What a decoder is to throw away at the beginning. */
const PRE_SKIP = 312;
/** Version 1, one channel, what to skip, 48 000 Hz, no gain, no mapping. */
const HEAD = Uint8Array.from([
  ...text('OpusHead'),
  1,
  1,
  PRE_SKIP & 0xff,
  PRE_SKIP >> 8,
  0x80,
  0xbb,
  0,
  0,
  0,
  0,
  0,
]);
/** A vendor, and nothing said. */
const TAGS = Uint8Array.from([...text('OpusTags'), 5, 0, 0, 0, ...text('outis'), 0, 0, 0, 0]);

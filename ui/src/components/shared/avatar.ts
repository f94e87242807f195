/** What an avatar is drawn from: colours and places that follow from the address alone. */
export interface AvatarShape {
  ground: string;
  disc: { fill: string; x: number; y: number; r: number };
  bar: { fill: string; x: number; y: number; length: number; angle: number };
}

/** The same address gives the same picture on every machine. It helps the eye; it proves nothing. */
export function avatarShape(address: string): AvatarShape {
  const draw = generator(address);
  const hue = step(draw(), 12) * 30;
  const second = hue + 90 + step(draw(), 7) * 30;
  const third = second + 60 + step(draw(), 9) * 30;
  return {
    ground: `oklch(0.86 0.075 ${hue % 360})`,
    disc: {
      fill: `oklch(0.66 0.115 ${second % 360})`,
      x: round(14 + draw() * 20),
      y: round(12 + draw() * 22),
      r: round(14 + draw() * 6),
    },
    bar: {
      fill: `oklch(0.42 0.09 ${third % 360})`,
      x: round(14 + draw() * 20),
      y: round(14 + draw() * 20),
      length: round(18 + draw() * 12),
      angle: round(draw() * 180),
    },
  };
}

/** One of so many equal steps: colours that differ at all differ enough to be told apart. */
function step(value: number, steps: number): number {
  return Math.floor(value * steps);
}

/** Numbers in 0..1 from a text: FNV-1a to begin with, then a small mixing generator. */
function generator(text: string): () => number {
  let state = 0x811c9dc5;
  for (const letter of text) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

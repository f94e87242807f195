import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

type Colour = [red: number, green: number, blue: number];

const tokens = new Map(
  [
    ...readFileSync('src/styles/tokens.css', 'utf8').matchAll(
      /(--[\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g,
    ),
  ].map(([, name, light, dark]) => [name ?? '', { light: light ?? '', dark: dark ?? '' }]),
);

/** Text and the grounds it is written on. */
const TEXT: [ink: string, grounds: string[]][] = [
  ['--ink', ['--paper', '--paper-sunk', '--surface', '--surface-hover']],
  ['--ink-soft', ['--paper', '--paper-sunk', '--surface', '--surface-hover']],
  ['--on-accent', ['--accent', '--accent-strong']],
  ['--on-accent-soft', ['--accent-soft']],
  ['--accent-soft-meta', ['--accent-soft']],
  ['--warn-ink', ['--warn-ground', '--paper', '--paper-sunk']],
  ['--danger', ['--paper', '--surface', '--danger-ground', '--accent-soft']],
  ['--ok', ['--paper', '--surface']],
];

/** What is not text but must be seen: focus, bars, the dot of the state. */
const SHAPES: [shape: string, grounds: string[]][] = [
  ['--accent', ['--paper', '--paper-sunk', '--surface']],
  ['--line-strong', ['--paper', '--paper-sunk']],
  ['--ok', ['--paper-sunk']],
];

describe.each(['light', 'dark'] as const)('in the %s', (mode) => {
  const colour = (token: string): Colour => {
    const hex = tokens.get(token)?.[mode];
    if (!hex) throw new Error(`no colour ${token}`);
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Colour;
  };
  const pairs = (list: [string, string[]][]): [string, string][] =>
    list.flatMap(([ink, grounds]) => grounds.map((ground): [string, string] => [ink, ground]));

  it.each(pairs(TEXT))('%s can be read on %s', (ink, ground) => {
    expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(pairs(SHAPES))('%s can be seen on %s', (shape, ground) => {
    expect(contrast(colour(shape), colour(ground))).toBeGreaterThanOrEqual(3);
  });
});

it('tells a pair apart that cannot be read', () => {
  expect(contrast([150, 150, 150], [255, 255, 255])).toBeLessThan(4.5);
});

/** As WCAG 2 defines it. */
function contrast(a: Colour, b: Colour): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Colour;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

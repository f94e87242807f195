/**
 * A password's strength as time that a stranger would need, half of all guesses tried on average.
 *
 * Each guess fills 1 GiB of memory three times over, so memory bandwidth bounds it: about 100 guesses a second
 * on a fast graphics card of today, taken in the attacker's favour.
 */
export type GuessingTime =
  | { kind: 'seconds' | 'hours' | 'days' | 'years' | 'million_years' | 'billion_years'; count: number }
  | { kind: 'longer' };

export function guessingTime(bits: number): GuessingTime {
  const seconds = 2 ** (bits - 1) / (CARDS * GUESSES_PER_CARD_AND_SECOND);
  const years = seconds / YEAR;
  if (seconds < 5400) return { kind: 'seconds', count: rounded(seconds) };
  if (seconds < 2 * DAY) return { kind: 'hours', count: rounded(seconds / 3600) };
  if (years < 2) return { kind: 'days', count: rounded(seconds / DAY) };
  if (years < 1e6) return { kind: 'years', count: rounded(years) };
  if (years < 1e9) return { kind: 'million_years', count: rounded(years / 1e6) };
  if (years < 1e13) return { kind: 'billion_years', count: rounded(years / 1e9) };
  return { kind: 'longer' };
}

/** How full the bar is: the floor of what is accepted stands at a little over half, a suggestion near the end. */
export function strengthShare(bits: number): number {
  return Math.min(1, Math.max(0, bits / 86));
}

/** One or two leading digits: more would pretend to a precision that a guess about strangers lacks. */
function rounded(value: number): number {
  if (value < 10) return Math.max(1, Math.round(value));
  const scale = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.round(value / scale) * scale;
}

const CARDS = 1000;
const GUESSES_PER_CARD_AND_SECOND = 100;
const DAY = 86_400;
const YEAR = 365.25 * DAY;

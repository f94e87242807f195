import { describe, expect, it } from 'vitest';
import { daysBetween, Formatter } from '$lib/format/formatter';
import { guessingTime, strengthShare } from '$lib/format/strength';

const plain = (text: string): string => text.replace(/[\u00A0\u202F]/g, ' ');
const english = new Formatter('en-GB');
const german = new Formatter('de-DE');
const noon = new Date(2026, 10, 22, 12, 0, 0).getTime();
const HOUR = 3_600_000;

describe('times', () => {
  it('shows a time today, a weekday this week, a date before', () => {
    expect(english.listTime(noon - 2 * HOUR, noon)).toBe('10:00');
    expect(english.listTime(noon - 26 * HOUR, noon)).toBe('Sat');
    expect(english.listTime(noon - 8 * 24 * HOUR, noon)).toBe('14 Nov');
  });

  it('names today and yesterday over a day, in the language', () => {
    expect(english.day(noon, noon)).toBe('Today');
    expect(german.day(noon - 24 * HOUR, noon)).toBe('Gestern');
    expect(english.day(noon - 48 * HOUR, noon)).toBe('Friday 20 November');
    expect(english.day(new Date(2025, 0, 5).getTime(), noon)).toBe('5 January 2025');
  });

  it('counts calendar days, not spans of 24 hours', () => {
    const justAfterMidnight = new Date(2026, 10, 22, 0, 1).getTime();
    expect(daysBetween(justAfterMidnight - 2 * 60_000, justAfterMidnight)).toBe(1);
    expect(daysBetween(justAfterMidnight + 23 * HOUR, justAfterMidnight)).toBe(0);
  });

  it('shows the date of what lies ahead, as a wrong clock makes it', () => {
    expect(english.listTime(noon + 72 * HOUR, noon)).toBe('25 Nov');
  });
});

describe('sizes', () => {
  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1_000, '1 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1 MB'],
    [1_234_567, '1.2 MB'],
    [104_857_600, '104.9 MB'],
    [1.2e9, '1.2 GB'],
    [9.99e15, '9,990 TB'],
  ])('writes %d as %s', (size, text) => {
    expect(plain(english.bytes(size))).toBe(text);
  });

  it('writes them as the locale does', () => {
    expect(plain(german.bytes(1_234_567))).toBe('1,2 MB');
    expect(plain(german.rate(38e6))).toBe('38 MB/s');
  });

  it('rounds what is left of a transfer to what a person can use', () => {
    expect(plain(english.duration(0.2))).toMatch(/^1 sec/);
    expect(plain(english.duration(89))).toMatch(/^89 sec/);
    expect(plain(english.duration(600))).toMatch(/^10 min/);
    expect(plain(english.duration(9_000))).toMatch(/^2\.5 h/);
  });

  it('never shows more than all', () => {
    expect(plain(english.percent(3, 2))).toBe('100%');
    expect(plain(english.percent(0, 0))).toBe('0%');
  });
});

describe('strength', () => {
  it('puts the least that is accepted at years, and the suggestion far beyond', () => {
    expect(guessingTime(46.6)).toEqual({ kind: 'years', count: 17 });
    expect(guessingTime(77)).toEqual({ kind: 'billion_years', count: 24 });
  });

  it('has words for every strength', () => {
    const kinds = Array.from({ length: 200 }, (_, bits) => guessingTime(bits).kind);
    expect(new Set(kinds)).toEqual(
      new Set(['seconds', 'hours', 'days', 'years', 'million_years', 'billion_years', 'longer']),
    );
  });

  it('never shortens as a passphrase grows', () => {
    const order = ['seconds', 'hours', 'days', 'years', 'million_years', 'billion_years', 'longer'];
    let last = [0, 0];
    for (let bits = 0; bits < 130; bits += 0.25) {
      const time = guessingTime(bits);
      const now = [order.indexOf(time.kind), time.kind === 'longer' ? 0 : time.count];
      const grew = now[0] !== last[0] ? (now[0] ?? 0) > (last[0] ?? 0) : (now[1] ?? 0) >= (last[1] ?? 0);
      expect(grew, `${bits} bits`).toBe(true);
      last = now;
    }
  });

  it('fills the bar between nothing and all', () => {
    expect(strengthShare(-1)).toBe(0);
    expect(strengthShare(43)).toBeCloseTo(0.5);
    expect(strengthShare(500)).toBe(1);
  });
});

/** Times, sizes and numbers as a locale writes them. One object a locale; it keeps its `Intl` tools. */
export class Formatter {
  readonly #locale: string;
  readonly #clock: Intl.DateTimeFormat;
  readonly #weekday: Intl.DateTimeFormat;
  readonly #shortWeekday: Intl.DateTimeFormat;
  readonly #dayMonth: Intl.DateTimeFormat;
  readonly #dayMonthYear: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;

  constructor(locale: string, timeZone?: string) {
    const zone = timeZone === undefined ? {} : { timeZone };
    this.#locale = locale;
    this.#clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit', ...zone });
    this.#weekday = new Intl.DateTimeFormat(locale, {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      ...zone,
    });
    this.#shortWeekday = new Intl.DateTimeFormat(locale, { weekday: 'short', ...zone });
    this.#dayMonth = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', ...zone });
    this.#dayMonthYear = new Intl.DateTimeFormat(locale, {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      ...zone,
    });
    this.#moment = new Intl.DateTimeFormat(locale, {
      day: 'numeric',
      month: 'long',
      hour: 'numeric',
      minute: '2-digit',
      second: '2-digit',
      ...zone,
    });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  }

  time(at: number): string {
    return this.#clock.format(at);
  }

  /** To the second, with its day: for the flight record. */
  moment(at: number): string {
    return this.#moment.format(at);
  }

  /** In a list: a time today, a weekday this week, a date before. */
  listTime(at: number, now: number): string {
    const days = daysBetween(at, now);
    if (days === 0) return this.time(at);
    if (days > 0 && days < 7) return this.#shortWeekday.format(at);
    return this.#dayMonth.format(at);
  }

  /** Over a day's messages: Today, Yesterday, a weekday with its date, or a date with its year. */
  day(at: number, now: number): string {
    const days = daysBetween(at, now);
    if (days === 0 || days === 1) return capitalised(this.#relative.format(-days, 'day'), this.#locale);
    const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
    return sameYear ? this.#weekday.format(at) : this.#dayMonthYear.format(at);
  }

  date(at: number): string {
    return this.#dayMonthYear.format(at);
  }

  number(value: number): string {
    return new Intl.NumberFormat(this.#locale).format(value);
  }

  /** Decimal units, as people's disks and invoices have them. */
  bytes(size: number): string {
    const step = sizeStep(size);
    return this.#unit(size / 1000 ** step, SIZE_UNITS[step] ?? 'byte', size < 1000 ? 0 : 1);
  }

  rate(bytesPerSecond: number): string {
    return `${this.bytes(bytesPerSecond)}/s`;
  }

  percent(done: number, total: number): string {
    const share = total > 0 ? Math.min(1, done / total) : 0;
    return new Intl.NumberFormat(this.#locale, { style: 'percent', maximumFractionDigits: 0 }).format(share);
  }

  /** A short time: milliseconds, or seconds to the tenth. */
  brief(milliseconds: number): string {
    if (milliseconds < 1_000) return this.#unit(Math.max(1, Math.round(milliseconds)), 'millisecond', 0);
    return this.#unit(milliseconds / 1_000, 'second', 1);
  }

  /** As a player shows it: 0:07, 1:23. */
  clock(milliseconds: number): string {
    const seconds = Math.floor(milliseconds / 1_000);
    const two = new Intl.NumberFormat(this.#locale, { minimumIntegerDigits: 2 });
    return `${this.number(Math.floor(seconds / 60))}:${two.format(seconds % 60)}`;
  }

  duration(seconds: number): string {
    if (seconds < 90) return this.#unit(Math.max(1, Math.round(seconds)), 'second', 0);
    if (seconds < 5400) return this.#unit(Math.round(seconds / 60), 'minute', 0);
    return this.#unit(seconds / 3600, 'hour', 1);
  }

  #unit(value: number, unit: string, digits: number): string {
    const format = new Intl.NumberFormat(this.#locale, {
      style: 'unit',
      unit,
      unitDisplay: unit === 'byte' ? 'long' : 'short',
      maximumFractionDigits: digits,
    });
    return format.format(value);
  }
}

/** Whole calendar days from `at` to `now`, in local time; negative when `at` lies ahead. */
export function daysBetween(at: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(at)) / 86_400_000);
}

export function startOfDay(at: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function sizeStep(size: number): number {
  let step = 0;
  // 999 950 B would round to "1,000 kB": it belongs to the next unit.
  while (step < SIZE_UNITS.length - 1 && Math.round((size / 1000 ** step) * 10) / 10 >= 1000) step += 1;
  return step;
}

function capitalised(text: string, locale: string): string {
  return text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);
}

const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

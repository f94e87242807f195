import type { StepRecord } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** A note's sentence; one that this version has no words for shows what it is called. */
export function noteText(note: string, name: string, i18n: I18nState, seconds?: number): string {
  if (note === 'disappearing') {
    return seconds
      ? i18n.t('note.disappearing', { time: spanText(seconds, i18n) })
      : i18n.t('note.disappearing.off');
  }
  return i18n.tOptional(`note.${note}`, { name }) ?? i18n.t('note.other', { note });
}

/** What a step's sentence leaves out: which mailbox, or why it was given up. */
export function stepDetail({ step, detail }: StepRecord, i18n: I18nState): string | null {
  const node = MAILBOX_STEPS.has(step) ? NODE_ID.exec(detail)?.[0] : undefined;
  if (node !== undefined) return i18n.t('explain.mailbox', { id: node.slice(-6) });
  return step === 'failed' && detail !== '' ? detail : null;
}

/** A step of the flight record: in the person's language where we have words for it, else the core's English. */
export function stepText({ step, detail }: StepRecord, i18n: I18nState): string {
  return i18n.tOptional(`explain.step.${step}`) ?? (detail || step.replaceAll('_', ' '));
}

const MAILBOX_STEPS = new Set(['stored', 'not_stored']);
const NODE_ID = /\b12D3KooW\w+/;

/** What would make a passphrase better: in our words for what the core says, else in its own. */
export function adviceText(advice: string, i18n: I18nState): string {
  const code = ADVICE[advice];
  return code === undefined ? advice : (i18n.tOptional(`advice.${code}`) ?? advice);
}

/** The core's sentences, as they stand in `crates/app`; a test holds the two together. */
export const ADVICE: Record<string, string | undefined> = {
  'this is among the commonest passwords': 'common',
  'leave your nickname out of it': 'nickname',
  'names are tried first': 'names',
  'one word alone is quickly found': 'single',
  'keys that lie beside each other are tried first': 'keyboard',
  'sequences such as abc or 6543 are tried first': 'sequence',
  'repetition adds little': 'repetition',
  'dates and years are tried first': 'dates',
  'take more words, chosen at random': 'more',
};

/** The spans of time after which messages may go, in seconds. */
export const SPANS = [300, 3_600, 28_800, 86_400, 604_800, 2_419_200] as const;

/** A span in words: five minutes, a day, four weeks. */
export function spanText(seconds: number, { t }: I18nState): string {
  if (seconds % WEEK === 0) return t('span.weeks', { count: seconds / WEEK });
  if (seconds % DAY === 0) return t('span.days', { count: seconds / DAY });
  if (seconds % HOUR === 0) return t('span.hours', { count: seconds / HOUR });
  return t('span.minutes', { count: Math.max(1, Math.round(seconds / 60)) });
}

const HOUR = 3_600;
const DAY = 86_400;
const WEEK = 604_800;

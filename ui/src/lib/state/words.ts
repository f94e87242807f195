import type { StepRecord } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** A note's sentence; one that this version has no words for shows what it is called. */
export function noteText(note: string, name: string, i18n: I18nState): string {
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

import type { StepRecord } from '$lib/api/dto';
import type { I18nState } from './i18n.svelte';

/** A note's sentence; one that this version has no words for shows what it is called. */
export function noteText(note: string, name: string, i18n: I18nState): string {
  return i18n.tOptional(`note.${note}`, { name }) ?? i18n.t('note.other', { note });
}

/** A step of the flight record: in the person's language where we have words for it, else the core's English. */
export function stepText({ step, detail }: StepRecord, i18n: I18nState): string {
  return i18n.tOptional(`explain.step.${step}`) ?? (detail || step.replaceAll('_', ' '));
}

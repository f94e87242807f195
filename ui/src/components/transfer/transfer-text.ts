import type { Direction, Transfer } from '$lib/api/dto';
import type { I18nState } from '$lib/state/i18n.svelte';

/** A transfer's state in one line: how much, how fast, how long still. */
export function transferText(
  transfer: Transfer | undefined,
  size: number,
  direction: Direction,
  i18n: I18nState,
): string {
  const { t, format } = i18n;
  const whole = format.bytes(size);
  if (!transfer) return t('file.state.unknown', { size: whole });
  switch (transfer.state) {
    case 'offered':
    case 'complete':
      return t(`file.state.${transfer.state}.${direction}`, { size: whole });
    case 'declined':
      return t(`file.state.declined.${direction}`);
    case 'cancelled':
      return t('file.state.cancelled');
    case 'failed':
      return reason(transfer, i18n) ?? t('file.state.failed');
    case 'active':
    case 'paused':
    case 'waiting':
      return parts(transfer, i18n).join(' · ');
  }
}

function parts(transfer: Transfer, i18n: I18nState): string[] {
  const { t, format } = i18n;
  const progress = t('file.progress', {
    done: format.bytes(transfer.done),
    total: format.bytes(transfer.size),
  });
  if (transfer.state !== 'active') {
    const state = t(`file.state.${transfer.state === 'paused' ? 'paused' : 'waiting'}`);
    return [reason(transfer, i18n) ?? state, progress];
  }
  if (transfer.rate <= 0) return [progress];
  const left = (transfer.size - transfer.done) / transfer.rate;
  return [progress, format.rate(transfer.rate), t('file.left', { time: format.duration(left) })];
}

/** Why it is no further, where the core says. */
function reason({ why }: Transfer, i18n: I18nState): string | null {
  return why === undefined ? null : i18n.tOptional(`file.why.${why}`);
}

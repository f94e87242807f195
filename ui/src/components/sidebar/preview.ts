import type { Contact, Message } from '$lib/api/dto';
import { displayName } from '$lib/domain/contact';
import { noteSeconds } from '$lib/domain/message';
import type { I18nState } from '$lib/state/i18n.svelte';
import { noteText } from '$lib/state/words';
import { visible } from '$lib/text/safe';

/** A conversation's last line, in one line and safe to show as it is. */
export function previewText(
  contact: Contact,
  message: Message | undefined,
  i18n: I18nState,
  self = false,
): string {
  const { t } = i18n;
  if (contact.state === 'blocked') return t('preview.blocked');
  if (!message && self) return t('self.standing');
  if (!message) return contact.state === 'requested' ? t('preview.requested') : t('preview.none');
  const { body } = message;
  switch (body.kind) {
    case 'text':
      return self ? visible(firstLine(body.text)) : mine(message, firstLine(body.text), i18n);
    case 'file':
      return body.voice ? t('preview.voice') : t('preview.file', { name: body.name });
    case 'gap':
      return t('preview.gap');
    case 'deleted':
      return t('preview.deleted');
    case 'note':
      return noteText(body.note, displayName(contact), i18n, noteSeconds(body));
    case 'unsupported':
      return t('preview.unsupported');
  }
}

function mine(message: Message, text: string, { t }: I18nState): string {
  return message.direction === 'out' ? t('preview.you', { text }) : visible(text);
}

function firstLine(text: string): string {
  return text.slice(0, 200).replace(/\s+/g, ' ');
}

import type * as Made from './generated/dto';

/** The shapes that come from Rust, under one name for the page. */
export type * from './generated/dto';

/** When the other side is told that something arrived: at once, or gathered to the hour. */
export type Receipts = 'at_once' | 'hourly';

/** What the person chose for one conversation. */
export interface ConversationSettings {
  pinned: boolean;
  muted: boolean;
  archived: boolean;
  receipts: Receipts;
  /** Whether the other side is told what was looked at. */
  read_receipts: boolean;
  typing: boolean;
  /** Seconds after which messages go, or null. */
  disappear_after: number | null;
}

export type Contact = Made.Contact & {
  last_message?: Message | null;
  conversation?: ConversationSettings;
};

export type Message = Made.Message & {
  /** Seconds after which it goes by itself. */
  disappear_after?: number;
  /** When it goes, once that is known. */
  disappears_at?: number;
};

export type Event =
  | Made.Event
  | { type: 'message.removed'; contact: string; id: string }
  | { type: 'contact.typing'; contact: string };

/** Why a transfer is no further, where its state alone does not say. */
export type TransferReason =
  'paused_here' | 'paused_there' | 'disk_full' | 'in_mailbox' | 'in_outbox' | 'unreadable' | 'changed';

export type Transfer = Made.Transfer & { folder?: boolean; why?: TransferReason };

/** A small picture of an image that came. */
export interface Thumbnail {
  mime: string;
  /** In base64. */
  data: string;
  width: number;
  height: number;
}

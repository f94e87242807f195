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
  typing: boolean;
  /** Seconds after which messages go, or null. */
  disappear_after: number | null;
}

export type Contact = Made.Contact & {
  last_message?: Made.Message | null;
  conversation?: ConversationSettings;
};

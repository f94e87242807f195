import type * as Made from './generated/dto';

/** The shapes that come from Rust, under one name for the page. */
export type * from './generated/dto';

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

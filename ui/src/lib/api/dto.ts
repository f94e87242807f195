/** The shapes that come from Rust, under one name for the page. */
export type * from './generated/dto';

/** A small picture of an image that came. */
export interface Thumbnail {
  mime: string;
  /** In base64. */
  data: string;
  width: number;
  height: number;
}

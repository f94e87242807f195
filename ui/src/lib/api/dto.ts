/** The shapes that come from Rust, under one name for the page. */
export type * from './generated/dto';

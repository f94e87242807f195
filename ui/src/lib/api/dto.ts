/** The one place that names where the generated shapes come from. */
export type * from './generated/dto';

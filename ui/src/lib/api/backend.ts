import type { AppError, ErrorCode, Event } from './dto';
import type { Method, Params, Result } from './methods';

/** Everything the page knows of the world outside. The shell implements it, and so does the mock. */
export interface Backend {
  /** Rejects with a `BackendError`, nothing else. */
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;

  /** Gives each event in order until the returned function is called. */
  listen(handler: (event: Event) => void): Promise<() => void>;

  /** Tells of files that are dragged over the window and let go there. */
  listenDrops(handler: (drop: Drop) => void): Promise<() => void>;
}

/** Files over the window. Where they lie is known once they are let go. */
export type Drop = { kind: 'over' } | { kind: 'gone' } | { kind: 'dropped'; paths: string[] };

/** A refusal. `code` is for the page, which has its own words for it; `message` is the core's English. */
export class BackendError extends Error {
  readonly code: ErrorCode;

  constructor({ code, message }: AppError) {
    super(message);
    this.name = 'BackendError';
    this.code = code;
  }

  /** Whatever was thrown, as a refusal; what is not one is a bug on our side and says so. */
  static from(thrown: unknown): BackendError {
    if (thrown instanceof BackendError) return thrown;
    if (isAppError(thrown)) return new BackendError(thrown);
    return new BackendError({ code: 'internal', message: String(thrown) });
  }
}

function isAppError(value: unknown): value is AppError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'string' &&
    'message' in value &&
    typeof value.message === 'string'
  );
}

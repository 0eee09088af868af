// Every error of this project: a stable code, a message, and its consequence. This file imports nothing, because every
// layer throws these errors.

/**
 * The error codes and their consequences. Codes are stable; messages are not.
 *
 * | consequence | meaning |
 * |---|---|
 * | `usage` | an option or argument is wrong: nothing was started |
 * | `startup` | the system refused a resource that is needed to start |
 * | `request` | one request fails; others are not affected |
 * | `connection` | one connection ends; others are not affected |
 */
export const ERROR_CODES = {
  ERR_OPTION: 'usage',
  ERR_BACKEND: 'usage',
  ERR_CONFIG: 'usage',
  ERR_ROOT: 'usage',
  ERR_APPLICATION_MODULE: 'usage',
  ERR_PLATFORM: 'startup',
  ERR_ADDON: 'startup',
  ERR_LISTEN: 'startup',
  ERR_ACCESS_LOG: 'startup',
  ERR_WORKER: 'startup',
  ERR_SYSTEM_CALL: 'startup',
  ERR_TARGET: 'usage',
  ERR_COMPARISON: 'startup',
  ERR_ALREADY_ANSWERED: 'request',
  ERR_FILE_UNDER_WAY: 'request',
  ERR_NOT_STARTED: 'request',
  ERR_NOT_ANSWERED: 'request',
  ERR_INVALID_STATUS: 'request',
  ERR_INVALID_REASON: 'request',
  ERR_INVALID_FIELD: 'request',
  ERR_INVALID_BODY: 'request',
  ERR_UPGRADE: 'request',
  ERR_BODY_LENGTH: 'request',
  ERR_BODY_TOO_LARGE: 'request',
  ERR_BODY_CONSUMED: 'request',
  ERR_REQUEST_OVER: 'request',
  ERR_CLIENT_GONE: 'request',
  ERR_HANDLER_TIMEOUT: 'request',
  ERR_APPLICATION: 'request',
  ERR_FILE: 'request',
  ERR_PROTOCOL: 'connection',
} as const;

/** One of the keys of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An operating error with a stable `code`. Its message says what was wrong, where, and what to do. */
export class EpollServerError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EpollServerError';
    this.code = code;
  }
}

/** The error of a handler whose promise resolved before it sent a response. `name`: that of the handler, or empty. */
export function notAnswered(name: string): EpollServerError {
  const handler = name === '' ? 'the handler' : `the handler "${name}"`;
  return new EpollServerError(
    'ERR_NOT_ANSWERED',
    `${handler} resolved its promise without a response: call response.send or response.start before it resolves`,
  );
}

/** Throws when `condition` is false, which is a defect of this project. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`epoll-server: broken invariant: ${invariant}`);
}

/** The message of any thrown value, also of an object that cannot be converted to text. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return `${typeof thrown} without a text`;
  }
}

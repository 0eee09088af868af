// Every error of this project: a stable code, a message, and its consequence. This file imports nothing, because every
// layer throws these errors.

/**
 * The error codes and their consequences. Codes are stable; messages are not. `npm run generate` writes docs/errors.md
 * from the docstrings.
 *
 * | consequence | meaning |
 * |---|---|
 * | `usage` | an option or argument is wrong: nothing was started |
 * | `startup` | the system refused a resource that is needed to start |
 * | `request` | one request fails; others are not affected |
 * | `connection` | one connection ends; others are not affected |
 */
export const ERROR_CODES = {
  /** An option or flag does not exist, or its value is out of its range. The message names the nearest known one. */
  ERR_OPTION: 'usage',
  /** This build does not have the back end. Leave `backend` out to use the best one. */
  ERR_BACKEND: 'usage',
  /**
   * The config file is missing, is not valid YAML, or has an unknown key or a wrong value. The message has file, line
   * and key.
   */
  ERR_CONFIG: 'usage',
  /** The folder is missing, is not a directory, or is not readable. */
  ERR_ROOT: 'usage',
  /** The module is missing or fails to load, has no such export, or the export is not a function. */
  ERR_APPLICATION_MODULE: 'usage',
  /** A Python application was named, and there is no Python that can run it. */
  ERR_PYTHON: 'usage',
  /** A certificate, key or option of TLS cannot be used; the message names the file and the reason. */
  ERR_TLS: 'usage',
  /** The operating system or the runtime is not supported, or Node.js is older than 20.19. */
  ERR_PLATFORM: 'startup',
  /**
   * No native addon fits this platform. The message lists the files that were tried, and the command that compiles one.
   */
  ERR_ADDON: 'startup',
  /**
   * The port or path is in use, the address is not one of this machine, or the descriptor is not a listening socket.
   */
  ERR_LISTEN: 'startup',
  /** The file of a log cannot be opened. */
  ERR_ACCESS_LOG: 'startup',
  /** The PID file belongs to a process that runs, or cannot be written. */
  ERR_PID_FILE: 'startup',
  /** A process or thread that serves clients cannot be started, or ended at once. */
  ERR_WORKER: 'startup',
  /** A system call failed, and the server cannot continue without it. `call` and `errnoName` of the error say which. */
  ERR_SYSTEM_CALL: 'startup',
  /** `conform` cannot reach the server, or the server does not speak HTTP/1.1. */
  ERR_TARGET: 'usage',
  /** `compare` has no load generator, or cannot write or read its results. Install `wrk` or `autocannon`. */
  ERR_COMPARISON: 'startup',
  /** The handler sent a second response, or content after the end of its response. */
  ERR_ALREADY_ANSWERED: 'request',
  /** The handler wrote content while `writeFile` was still sending. Wait for its `onSent`. */
  ERR_FILE_UNDER_WAY: 'request',
  /** The handler called `write` or `end` before `start`. */
  ERR_NOT_STARTED: 'request',
  /** The handler's promise resolved without a response. The client got 500. */
  ERR_NOT_ANSWERED: 'request',
  /** The status is not a whole number from 200 to 599, or from 100 to 199 for `inform`. */
  ERR_INVALID_STATUS: 'request',
  /** The reason phrase has a control character, or a character beyond Latin-1. */
  ERR_INVALID_REASON: 'request',
  /** RFC 9110 does not allow the name or the value of a field, or does not allow this field as a trailer. */
  ERR_INVALID_FIELD: 'request',
  /** The content is neither a string nor a `Uint8Array`. */
  ERR_INVALID_BODY: 'request',
  /** The request did not ask for this upgrade, or cannot have it. The message says why. */
  ERR_UPGRADE: 'request',
  /** The content is not as long as its Content-Length. */
  ERR_BODY_LENGTH: 'request',
  /** The request body is longer than the limit that its reader gave. */
  ERR_BODY_TOO_LARGE: 'request',
  /** The body was discarded because the response was complete, or two reads ran at once. */
  ERR_BODY_CONSUMED: 'request',
  /**
   * The request was read after its response was complete and its handler had returned. Call `request.retain()` before.
   */
  ERR_REQUEST_OVER: 'request',
  /** The client closed the connection before its response was complete. It is the reason of `request.signal`. */
  ERR_CLIENT_GONE: 'request',
  /** The handler did not begin its response within `timeouts.handlerMs`. The client got 504. */
  ERR_HANDLER_TIMEOUT: 'request',
  /** An application broke a rule of its interface (WSGI or fetch). The message names the rule. */
  ERR_APPLICATION: 'request',
  /**
   * The program behind this server (`proxy`) gave no response, or a malformed one. The message names it and what was under
   * way: queue, connect, send, first byte or body. The client got 502, 503 or 504, or its connection was closed.
   */
  ERR_UPSTREAM: 'request',
  /** A file exists and cannot be sent: permissions, no free descriptors, or a failing disk. */
  ERR_FILE: 'request',
  /** The protocol of an upgraded connection has a defect. The connection was closed; `cause` is the defect. */
  ERR_PROTOCOL: 'connection',
} as const;

/** One of the keys of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An operating error with a stable `code`. Its message says what was wrong, where, and what to do. */
export class EpollServerError extends Error {
  /** Stable: programs may compare it. README lists all codes. */
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

// The default error listener: writes to standard error, one line per error, or several on a terminal.

import { EpollServerError, messageOf } from '../errors.ts';
import type { HttpRequest } from '../http/handler.ts';
import { clipped } from '../printable.ts';
import { logFailure } from './log-line.ts';

/** Codes of errors whose text names the file or function at fault. Their stack trace adds nothing. */
const SAYS_ENOUGH: ReadonlySet<string> = new Set([
  'ERR_FILE',
  'ERR_APPLICATION_MODULE',
  'ERR_NOT_ANSWERED',
  'ERR_UPSTREAM',
]);

/** The maximum length of a logged request line: a client can make it as long as an error message. */
const MAX_REQUEST_LENGTH = 1_024;

/** Logs where an error happened and what was thrown. A defect is logged with its stack trace. */
export function logError(error: unknown, request: HttpRequest | null): void {
  const where = request === null ? '' : clipped(`${request.method} ${request.target}`, MAX_REQUEST_LENGTH);
  if (error instanceof EpollServerError && SAYS_ENOUGH.has(error.code)) {
    const prefix = where === '' ? '' : `${where}: `;
    logFailure(error, prefix, prefix + error.message);
    return;
  }
  if (error instanceof EpollServerError && error.code === 'ERR_PROTOCOL') {
    logFailure(error, '', `${error.message} | ${traceOf(error.cause)}`, ' | ');
    return;
  }
  const prefix = `handler failed${where === '' ? '' : ` ${where}`}: `;
  logFailure(error, prefix, prefix + traceOf(error), ' | ');
}

/** Applications throw any value: an error's stack may be of any type, or a getter that throws. */
function traceOf(error: unknown): string {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === 'string' ? stack : messageOf(error);
  } catch {
    return messageOf(error);
  }
}

// Where errors go when the options name no listener: standard error, one line each, or more on a terminal.

import { EpollServerError, messageOf } from '../errors.ts';
import type { HttpRequest } from '../http/handler.ts';
import { clipped } from '../printable.ts';
import { logFailure } from './log-line.ts';

/** Errors whose text names the file or the function that is at fault: their trace would name none of its lines. */
const SAYS_ENOUGH: ReadonlySet<string> = new Set(['ERR_FILE', 'ERR_APPLICATION_MODULE', 'ERR_NOT_ANSWERED']);

/** Of a request line, which a client may make as long as an error message. */
const MAX_REQUEST_LENGTH = 1_024;

/** Where, and what was thrown. The trace of a defect is worth more than brevity. */
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

/** Applications throw what they like: an error's stack may be anything, a getter that throws included. */
function traceOf(error: unknown): string {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === 'string' ? stack : messageOf(error);
  } catch {
    return messageOf(error);
  }
}

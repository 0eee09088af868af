// Where errors go when the options name no listener: standard error, one line each.

import { EpollServerError, messageOf } from '../errors.ts';
import type { HttpRequest } from '../http/handler.ts';

/** Errors whose text names the file that is at fault. */
const SAYS_ENOUGH: ReadonlySet<string> = new Set(['ERR_FILE', 'ERR_APPLICATION_MODULE']);

/** One line: where, and what was thrown. The trace of a defect is worth more than brevity. */
export function logError(error: unknown, request: HttpRequest | null): void {
  const where = request === null ? '' : ` ${request.method} ${request.target}`;
  if (error instanceof EpollServerError && SAYS_ENOUGH.has(error.code)) {
    process.stderr.write(`epoll-server:${where === '' ? '' : `${where}:`} ${error.message.replaceAll('\n', ' ')}\n`);
    return;
  }
  const what =
    error instanceof Error && error.stack !== undefined ? error.stack.replaceAll(/\s*\n\s*/g, ' | ') : messageOf(error);
  process.stderr.write(`epoll-server: handler failed${where}: ${what}\n`);
}

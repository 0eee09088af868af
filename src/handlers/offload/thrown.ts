// Errors on their way between threads, which keep nothing of them but text. It must not know who threw.

import { EpollServerError, ERROR_CODES, type ErrorCode, messageOf } from '../../errors.ts';
import type { Thrown } from './messages.ts';

export function thrownOf(error: unknown): Thrown {
  const code = error instanceof EpollServerError ? error.code : '';
  // A stack may be anything, and what cannot be copied cannot be sent.
  const stack: unknown = error instanceof Error ? error.stack : undefined;
  return { message: messageOf(error), stack: typeof stack === 'string' ? stack : '', code };
}

/** The error again, its code and its trace kept. */
export function revived({ message, stack, code }: Thrown): Error {
  const error = isCode(code) ? new EpollServerError(code, message) : new Error(message);
  if (stack !== '') error.stack = stack;
  return error;
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

// Converts errors for the way between threads, which preserves only text.

import { EpollServerError, ERROR_CODES, type ErrorCode, messageOf } from '../../errors.ts';
import type { Thrown } from './messages.ts';

/** The maximum nesting of causes and aggregated errors, and the maximum number within one error. */
const MAX_DEPTH = 4;
const MAX_ERRORS = 8;

export function thrownOf(error: unknown, depth = 0): Thrown {
  const code = error instanceof EpollServerError ? error.code : '';
  const cause = propertyOf(error, 'cause');
  const errors = propertyOf(error, 'errors');
  const isDeep = depth >= MAX_DEPTH;
  return {
    name: textOf(error, 'name'),
    message: messageOf(error),
    stack: textOf(error, 'stack'),
    code,
    cause: isDeep || cause === undefined || cause === null ? null : thrownOf(cause, depth + 1),
    errors:
      isDeep || !Array.isArray(errors) ? [] : errors.slice(0, MAX_ERRORS).map((each) => thrownOf(each, depth + 1)),
  };
}

/** A property may be of any type, or a getter that throws. A value that is not a text cannot be sent. */
function textOf(error: unknown, name: string): string {
  const value = propertyOf(error, name);
  return typeof value === 'string' ? value : '';
}

function propertyOf(error: unknown, name: string): unknown {
  try {
    return error instanceof Error ? Reflect.get(error, name) : undefined;
  } catch {
    return undefined;
  }
}

/** Rebuilds the error with its code, stack and causes. */
export function revived({ name, message, stack, code, cause, errors }: Thrown): Error {
  const options = cause === null ? undefined : { cause: revived(cause) };
  const error = isCode(code) ? new EpollServerError(code, message, options) : plainError(message, errors, options);
  if (name !== '' && name !== error.name) {
    Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  }
  if (stack !== '') error.stack = stack;
  return error;
}

function plainError(message: string, errors: readonly Thrown[], options: ErrorOptions | undefined): Error {
  return errors.length > 0 ? new AggregateError(errors.map(revived), message, options) : new Error(message, options);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

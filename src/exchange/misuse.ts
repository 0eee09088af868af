// Checks of what a handler passes to a response, and the errors for wrong calls.

import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { type FieldInput, PrecompiledFields, precompileFields } from '../http/fields.ts';
import { isReasonPhrase } from '../http/status.ts';
import { trailerLines } from '../http/trailers.ts';

/**
 * The precompiled fields, after a check of `status`. @throws EpollServerError `ERR_INVALID_STATUS`,
 * `ERR_INVALID_FIELD`.
 */
export function checked(status: number, fields: FieldInput): PrecompiledFields {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new EpollServerError(
      'ERR_INVALID_STATUS',
      `the status must be a whole number from 200 to 599, not ${String(status)}`,
    );
  }
  return fields instanceof PrecompiledFields ? fields : checkedFields(fields);
}

/** The precompiled fields. @throws EpollServerError `ERR_INVALID_FIELD`. */
export function checkedFields(fields: FieldInput): PrecompiledFields {
  try {
    return precompileFields(fields);
  } catch (error) {
    throw invalidField(error);
  }
}

/** The fields of an interim response. @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`. */
export function checkedInterim(status: number, fields: FieldInput): PrecompiledFields {
  if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
    throw new EpollServerError(
      'ERR_INVALID_STATUS',
      `the status of an interim response must be a whole number from 100 to 199 except 101, not ${String(status)}`,
    );
  }
  const checked = checkedFields(fields);
  if (checked.contentLength < 0) return checked;
  throw invalidField(new TypeError('an interim response has no content, and therefore no Content-Length'));
}

/** The lines of a trailer section. @throws EpollServerError `ERR_INVALID_FIELD`. */
export function checkedTrailers(fields: FieldInput): string {
  try {
    return trailerLines(fields);
  } catch (error) {
    throw invalidField(error);
  }
}

function invalidField(cause: unknown): EpollServerError {
  return new EpollServerError('ERR_INVALID_FIELD', messageOf(cause), { cause });
}

/** The reason phrase; undefined: the standard one. @throws EpollServerError `ERR_INVALID_REASON`. */
export function checkedReason(text: string | undefined): string | undefined {
  if (text === undefined || isReasonPhrase(text)) return text;
  throw new EpollServerError(
    'ERR_INVALID_REASON',
    'a reason phrase must be a string of Latin-1 characters without control characters',
  );
}

/** The error of callbacks and promises that wait until the response is sent. */
export function notSent(): EpollServerError {
  return new EpollServerError('ERR_CLIENT_GONE', 'the client closed the connection before the whole response was sent');
}

/** `why`: the obstacle, as the end of the message. */
export function upgradeRefused(why: string): EpollServerError {
  return new EpollServerError('ERR_UPGRADE', `this connection cannot change its protocol: ${why}`);
}

/** The obstacle when the request body is incomplete. */
export const BODY_UNREAD = 'the body of the request was not read to its end';

export function invalidBody(content: unknown): EpollServerError {
  const kind = content === null ? 'null' : typeof content;
  return new EpollServerError('ERR_INVALID_BODY', `the content must be a string or a Uint8Array, not ${kind}`);
}

export function notStarted(): EpollServerError {
  return new EpollServerError('ERR_NOT_STARTED', 'call start() before write() and end()');
}

export function answeredBefore(): EpollServerError {
  return new EpollServerError('ERR_ALREADY_ANSWERED', 'the response was started already: call send() or start() once');
}

export function endedBefore(): EpollServerError {
  return new EpollServerError('ERR_ALREADY_ANSWERED', 'the response has ended: nothing can be added to it');
}

export function fileUnderWay(): EpollServerError {
  return new EpollServerError(
    'ERR_FILE_UNDER_WAY',
    'bytes of a file are being sent: wait until onSent() of the receipt given to writeFile() is called',
  );
}

export function bodyTooLarge(maxBytes: number): EpollServerError {
  return new EpollServerError('ERR_BODY_TOO_LARGE', `the body has more than ${countText(maxBytes, 'byte')}`);
}

export function tooShort(missing: number): EpollServerError {
  return new EpollServerError(
    'ERR_BODY_LENGTH',
    `the response ended ${countText(missing, 'byte')} short of its Content-Length`,
  );
}

export function tooLong(extra: number): EpollServerError {
  return new EpollServerError(
    'ERR_BODY_LENGTH',
    `the response is longer than its Content-Length: ${countText(extra, 'byte')} cut off`,
  );
}

// What a handler may not give as an answer, and what it is told.

import { EpollServerError, messageOf } from '../errors.ts';
import { type FieldInput, PrecompiledFields, precompileFields } from '../http/fields.ts';

/** The fields, ready to be sent. @throws EpollServerError `ERR_INVALID_STATUS`, `ERR_INVALID_FIELD`. */
export function checked(status: number, fields: FieldInput): PrecompiledFields {
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new EpollServerError(
      'ERR_INVALID_STATUS',
      `a status is a whole number from 200 to 599, not ${String(status)}`,
    );
  }
  if (fields instanceof PrecompiledFields) return fields;
  try {
    return precompileFields(fields);
  } catch (error) {
    throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
  }
}

export function invalidBody(content: unknown): EpollServerError {
  const kind = content === null ? 'null' : typeof content;
  return new EpollServerError('ERR_INVALID_BODY', `content is a string or a Uint8Array, not ${kind}`);
}

export function notStarted(): EpollServerError {
  return new EpollServerError('ERR_NOT_STARTED', 'call start before write and end');
}

export function answeredBefore(): EpollServerError {
  return new EpollServerError('ERR_ALREADY_ANSWERED', 'this request has an answer already: call send or start once');
}

export function endedBefore(): EpollServerError {
  return new EpollServerError('ERR_ALREADY_ANSWERED', 'this answer has ended: nothing can be added to it');
}

export function fileUnderWay(): EpollServerError {
  return new EpollServerError(
    'ERR_FILE_UNDER_WAY',
    'bytes of a file are being sent: go on when the receipt given to writeFile is told',
  );
}

export function tooShort(missing: number): EpollServerError {
  return new EpollServerError('ERR_BODY_LENGTH', `the answer ended ${missing} bytes short of its Content-Length`);
}

export function tooLong(extra: number): EpollServerError {
  return new EpollServerError(
    'ERR_BODY_LENGTH',
    `the answer is longer than its Content-Length: ${extra} bytes cut off`,
  );
}

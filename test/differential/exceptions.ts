// Where this server differs from node:http on purpose: each exception with its reason, its section of the RFC, and an
// example stream. The test fails on any other difference, and on an exception that its example does not need.

import { METHODS } from 'node:http';
import type { Difference } from './reading.ts';

export interface Exception {
  readonly name: string;
  readonly reason: string;
  /** A stream that shows the difference. */
  readonly example: string;
  readonly applies: (difference: Difference, text: string) => boolean;
}

const HOST = 'Host: h\r\n';
const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;

/** This server rejects, with this problem, what node:http reads or still waits for. */
function stricter(problem: string, reason: string, example: string): Exception {
  const applies: Exception['applies'] = ({ ours, theirs, ourProblem }) =>
    ours === 'wrong' && ourProblem === problem && theirs !== 'wrong';
  return { name: `stricter: ${problem}`, reason, example, applies };
}

/** node:http rejects, with this code, what this server reads; `applies` checks our message or the stream. */
function laxer(code: string, reason: string, example: string, applies: Exception['applies']): Exception {
  return {
    name: `laxer: ${code}`,
    reason,
    example,
    applies: (difference, text) =>
      difference.theirs === 'wrong' &&
      difference.theirProblem === code &&
      difference.ours !== 'wrong' &&
      difference.ours !== 'closed' &&
      applies(difference, text),
  };
}

/**
 * node:http rejects at the first invalid byte, this server after the whole line or head. Until then no request is
 * delivered.
 */
const LATER_CODES = [
  'HPE_INVALID_METHOD',
  'HPE_INVALID_URL',
  'HPE_INVALID_VERSION',
  'HPE_INVALID_CONTENT_LENGTH',
  'HPE_INVALID_TRANSFER_ENCODING',
];

export const EXCEPTIONS: readonly Exception[] = [
  stricter('more than one Host field', 'RFC 9112 3.2: 400', `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`),
  stricter('Host is malformed', 'RFC 9112 3.2: 400', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'),
  stricter('no Host', 'RFC 9112 3.2: 400; node:http does so outside its parser', 'GET / HTTP/1.1\r\n\r\n'),
  stricter(
    'the request target is empty or contains a forbidden character',
    'RFC 9112 3.2: no fragment, and one space in front of it; without a version it is HTTP/0.9',
    `GET /a#b HTTP/1.1\r\n${HOST}\r\n`,
  ),
  stricter(
    'the request target does not have the form that its method requires',
    'RFC 9112 3.2: forms; RFC 9110 4.2.4: no userinfo',
    `GET http://u@h/ HTTP/1.1\r\n${HOST}\r\n`,
  ),
  stricter('TRACE and CONNECT are not served', 'RFC 9110 9.3.8: secrets', `TRACE / HTTP/1.1\r\n${HOST}\r\n`),
  stricter('the HTTP version is not 1.0 or 1.1', 'RFC 9110 15.6.6: 505', `GET / HTTP/2.0\r\n${HOST}\r\n`),
  stricter('the HTTP version is malformed', 'RFC 9112 3: one space', `GET /  HTTP/1.1\r\n${HOST}\r\n`),
  stricter('the method is not a token', 'RFC 9112 2.2: a bare LF ends no line', `\nGET / HTTP/1.1\r\n${HOST}\r\n`),
  stricter(
    'more than one empty line before a request',
    'RFC 9112 2.2: at least one is skipped; a stream of them is not',
    `\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  ),
  stricter(
    'a carriage return is not followed by a line feed',
    'RFC 9112 2.2: a bare CR is invalid, in front of a request too',
    `\rGET / HTTP/1.1\r\n${HOST}\r\n`,
  ),
  stricter('the expectation is not 100-continue', 'RFC 9110 10.1.1: 417', `GET / HTTP/1.1\r\n${HOST}Expect: x\r\n\r\n`),
  stricter(
    'HTTP/1.0 has no Transfer-Encoding',
    'RFC 9112 6.1: the framing is faulty',
    'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  stricter(
    'the transfer coding is not chunked',
    'RFC 9112 6.1: 501; node:http reads an empty or an unknown coding in front',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  ),
  stricter(
    'a chunk size has too many digits',
    'RFC 9112 7.1: sizes are bounded; otherwise leading zeros could go on forever',
    `${CHUNKED}00000000000000000000\r\n\r\n`,
  ),
  stricter(
    'a chunk extension is malformed',
    'RFC 9112 7.1.1: a name and optionally a value; node:http reads an empty name',
    `${CHUNKED}0;=b\r\n\r\n`,
  ),
  laxer(
    'HPE_INVALID_METHOD',
    'RFC 9110 9.1: methods are tokens; the application decides which to accept',
    `BREW / HTTP/1.1\r\n${HOST}\r\n`,
    ({ ours }) => typeof ours !== 'string' && !METHODS.includes(ours.method),
  ),
  laxer(
    'HPE_INVALID_VERSION',
    'RFC 9110 2.5: a higher minor version is served as the highest that is known; PRI is a token',
    `GET / HTTP/1.2\r\n${HOST}\r\n`,
    ({ ours }, text) => typeof ours !== 'string' && (ours.method === 'PRI' || /HTTP\/1\.[2-9]/.test(text)),
  ),
  laxer(
    'HPE_INVALID_CONTENT_LENGTH',
    'RFC 9110 6.5.1: a trailer must not frame; node:http reads trailers as fields',
    `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`,
    ({ ours }) => typeof ours !== 'string' && ours.trailers.some(([name]) => name === 'content-length'),
  ),
  laxer(
    'HPE_INVALID_CHUNK_SIZE',
    'RFC 9110 5.6.3: a recipient MUST parse past bad whitespace in front of an extension',
    `${CHUNKED}0 ;a\r\n\r\n`,
    (_, text) => /[0-9a-f][ \t]+;/i.test(text),
  ),
  laxer(
    'HPE_STRICT',
    'RFC 9110 5.6.3: a recipient MUST parse past bad whitespace within an extension',
    `${CHUNKED}0; a\r\n\r\n`,
    (_, text) => /;[^\r\n]*[ \t]/.test(text),
  ),
  laxer(
    'HPE_INVALID_TRANSFER_ENCODING',
    'RFC 9110 5.6.3: a tab is optional whitespace as a space is',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n`,
    (_, text) => /chunked[ \t]*\t/i.test(text),
  ),
  {
    name: 'PRI',
    reason: 'node:http takes the method for the preface of HTTP/2 (RFC 9113 3.4) and stops without an error',
    example: `GET / HTTP/1.1\r\n${HOST}\r\nPRI /HTTP/1.1\r\n${HOST}\r\n`,
    applies: ({ theirs }, text) => theirs === 'open' && text.includes('PRI '),
  },
  {
    name: 'later',
    reason: 'a line is checked when it is complete, and a target with the complete head',
    example: '#',
    applies: ({ ours, theirs, theirProblem }) =>
      ours === 'open' && theirs === 'wrong' && LATER_CODES.includes(theirProblem),
  },
];

// The error of 'clientError': its code is the one that Node's parser has for the same fault.

import { nodeError } from '../adapters/node/messages.ts';

/** Words of our messages, and the codes of llhttp. */
const CODES: readonly (readonly [word: string, code: string])[] = [
  ['ended', 'HPE_INVALID_EOF_STATE'],
  ['HTTP version', 'HPE_INVALID_VERSION'],
  ['method', 'HPE_INVALID_METHOD'],
  ['request target', 'HPE_INVALID_URL'],
  ['both Transfer-Encoding and Content-Length', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['more than one Content-Length', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['Content-Length', 'HPE_INVALID_CONTENT_LENGTH'],
  ['Transfer-Encoding', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['transfer coding', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['chunk', 'HPE_INVALID_CHUNK_SIZE'],
  ['carriage return', 'HPE_LF_EXPECTED'],
  ['field name', 'HPE_INVALID_HEADER_TOKEN'],
  ['field value', 'HPE_INVALID_HEADER_TOKEN'],
];

const BY_STATUS: ReadonlyMap<number, string> = new Map([
  [408, 'ERR_HTTP_REQUEST_TIMEOUT'],
  [414, 'HPE_HEADER_OVERFLOW'],
  [431, 'HPE_HEADER_OVERFLOW'],
]);

/** The texts of llhttp. */
const TEXTS: ReadonlyMap<string, string> = new Map([
  ['HPE_INVALID_METHOD', 'Invalid method encountered'],
  ['HPE_INVALID_VERSION', 'Invalid HTTP version'],
  ['HPE_INVALID_URL', 'Invalid characters in url'],
  ['HPE_INVALID_HEADER_TOKEN', 'Invalid header token'],
  ['HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length'],
  ['HPE_INVALID_CHUNK_SIZE', 'Invalid character in chunk size'],
  ['HPE_HEADER_OVERFLOW', 'Header overflow'],
  ['HPE_INVALID_EOF_STATE', 'Invalid EOF state'],
]);

/** The error for a refusal with this status, for the reason `problem`. */
export function clientErrorOf(status: number, problem: string): NodeJS.ErrnoException {
  const code = BY_STATUS.get(status) ?? CODES.find(([word]) => problem.includes(word))?.[1] ?? 'HPE_USER';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return nodeError(code, 'Request timeout');
  const error: NodeJS.ErrnoException = new Error(`Parse Error: ${TEXTS.get(code) ?? problem}`);
  return Object.assign(error, { code, reason: problem, bytesParsed: 0, rawPacket: Buffer.alloc(0) });
}

/** What node:http answers to a request that its parser rejects. */
export function refusalOf(code: string | undefined): Buffer {
  const line = REFUSALS.get(code ?? '') ?? '400 Bad Request';
  return Buffer.from(`HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`, 'latin1');
}

const REFUSALS: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

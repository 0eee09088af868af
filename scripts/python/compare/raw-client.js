// Sends a request byte for byte and takes the response apart, without an HTTP library that would repair either.
import { once } from 'node:events';
import { connect } from 'node:net';

/** A bound for a server that never responds, no expectation. */
const LIMIT_MS = 30_000;

/**
 * @typedef {{ status: number, fields: Map<string, string[]>, body: Buffer, ports: Map<string, string> }} RawResponse
 * Names of fields in lower case; `ports`: what the ports of this connection are, by their numbers.
 */

/** Sends `bytes`, which must ask for the connection's end. Resolves to the response. @returns {Promise<RawResponse>} */
export async function exchange(port, bytes) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no response in time')));
  const received = [];
  socket.on('data', (piece) => received.push(piece));
  await once(socket, 'connect');
  const ports = new Map([
    [String(port), 'port of the server'],
    [String(socket.localPort), 'port of the client'],
  ]);
  socket.write(bytes);
  await once(socket, 'close');
  return { ...parse(Buffer.concat(received), bytes.toString('latin1', 0, 5) === 'HEAD '), ports };
}

/** @throws Error when it is no complete response with exact framing. */
function parse(bytes, isHead) {
  if (bytes.toString('latin1', 0, 12) === 'HTTP/1.1 100')
    return parse(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4), isHead);
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no response: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`);
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.[01] ([2-5][0-9][0-9])(?: .*)?$/.exec(first)?.[1]);
  const fields = new Map();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  const isWithout = isHead || status === 204 || status === 304;
  return { status, fields, body: contentOf(bytes.subarray(end + 4), fields, isWithout) };
}

function contentOf(rest, fields, isWithout) {
  const length = fields.get('content-length')?.[0];
  if (isWithout) {
    if (rest.length > 0) throw new Error(`${rest.length} bytes where no content may be`);
    return rest;
  }
  if (fields.has('transfer-encoding')) return dechunked(rest);
  if (length !== undefined && Number(length) !== rest.length)
    throw new Error(`${rest.length} bytes, and Content-Length is ${length}`);
  return rest;
}

function dechunked(rest) {
  const pieces = [];
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    const size = Number.parseInt(rest.toString('latin1', at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) throw new Error('chunks are incomplete');
    at = lineEnd + 2;
    pieces.push(rest.subarray(at, at + size));
    at += size + 2;
    if (rest.toString('latin1', at - 2, at) !== '\r\n') throw new Error('a chunk has no end');
    if (size === 0) break;
  }
  if (at !== rest.length) throw new Error('bytes behind the last chunk');
  return Buffer.concat(pieces);
}

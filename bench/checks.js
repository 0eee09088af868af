// Sends requests over one connection and compares each response byte for byte.

import { once } from 'node:events';
import { connect } from 'node:net';
import * as zlib from 'node:zlib';
import { requestText } from './clients.js';

const COUNT = 100;

/**
 * @throws Error when a response is not the one of the case. `heads`: kinds of clients in turn, or one load generator.
 */
export async function checkResponses(port, { path, content, fields }, heads) {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(10_000, () => socket.destroy(new Error('no response to a checked request')));
  await once(socket, 'connect');
  try {
    for (let i = 0; i < COUNT; i++) {
      const query = `n=${i * 7919}`;
      socket.write(requestText(heads, i, `${path}?${query}`));
      compare(await response(socket), content ?? Buffer.from(query), fields);
    }
  } finally {
    socket.destroy();
  }
}

/** Reads the next response, whose body has the length of its Content-Length. */
async function response(socket) {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n');
    const head = headEnd < 0 ? '' : bytes.toString('latin1', 0, headEnd);
    if (headEnd >= 0 && bytes.length >= headEnd + 4 + Number(fieldOf(head, 'content-length'))) {
      return { head, body: bytes.subarray(headEnd + 4) };
    }
    const [chunk] = await once(socket, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
}

/** The value of a field, or an empty string. */
function fieldOf(head, name) {
  const line = head.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name}:`)) ?? '';
  return line.slice(name.length + 1).trim();
}

/** The content without the coding that the client accepted. */
function decoded(body, coding) {
  if (coding === 'br') return zlib.brotliDecompressSync(body);
  if (coding === 'zstd') return zlib.zstdDecompressSync(body);
  return coding === 'gzip' ? zlib.gunzipSync(body) : body;
}

/** Compares a response. `fieldNames`: its expected fields, if they are known. */
function compare({ head, body }, expected, fieldNames) {
  const [status, ...fields] = head.split('\r\n');
  const isWhole = Number(fieldOf(head, 'content-length')) === body.length;
  if (status !== 'HTTP/1.1 200 OK' || !isWhole || !decoded(body, fieldOf(head, 'content-encoding')).equals(expected)) {
    throw new Error(`wrong response: ${JSON.stringify(`${head}\r\n\r\n${body}`.slice(0, 300))}`);
  }
  const names = fields
    .map((field) => field.slice(0, field.indexOf(':')).toLowerCase())
    .sort()
    .join(' ');
  if (fieldNames !== undefined && names !== fieldNames) {
    throw new Error(`the response has the fields ${names}, not ${fieldNames}`);
  }
}

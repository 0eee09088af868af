// Requests from node itself over one connection, each answer compared byte for byte.

import { once } from 'node:events';
import { connect } from 'node:net';

const COUNT = 100;
const PLAIN_FIELDS = 'content-length content-type date';

/** Throws when an answer is not what the case promises. */
export async function checkAnswers(port, { path, mode, content }) {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(10_000, () => socket.destroy(new Error('a checked request was not answered')));
  await once(socket, 'connect');
  try {
    for (let i = 0; i < COUNT; i++) {
      const query = mode === 'same' ? 'n=123456' : `n=${i * 7919}`;
      socket.write(`GET ${path}?${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      const expected = content ?? Buffer.from(query);
      compare(await answer(socket, expected.length), expected, content === undefined);
    }
  } finally {
    socket.destroy();
  }
}

async function answer(socket, length) {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n');
    if (headEnd >= 0 && bytes.length >= headEnd + 4 + length) {
      return { head: bytes.subarray(0, headEnd).toString('latin1'), body: bytes.subarray(headEnd + 4) };
    }
    const [chunk] = await once(socket, 'data');
    bytes = Buffer.concat([bytes, chunk]);
  }
}

function compare({ head, body }, expected, plain) {
  const [status, ...fields] = head.split('\r\n');
  const names = fields
    .map((field) => field.slice(0, field.indexOf(':')).toLowerCase())
    .sort()
    .join(' ');
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (status !== 'HTTP/1.1 200 OK' || Number(length) !== expected.length || !body.equals(expected)) {
    throw new Error(`wrong answer: ${JSON.stringify(`${head}\r\n\r\n${body}`.slice(0, 300))}`);
  }
  if (plain && names !== PLAIN_FIELDS) throw new Error(`the answer has the fields ${names}, not ${PLAIN_FIELDS}`);
}

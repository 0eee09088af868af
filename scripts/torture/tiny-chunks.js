// Sends a body in chunks of one byte to one body reader: measures its memory, and the delay of other clients.
import { once } from 'node:events';
import { connect } from 'node:net';
import { goodClient } from './clients.js';
import { ADAPTER_FLAGS } from './reading.js';
import { makeSite, Target } from './target.js';

const MIB = 2 ** 20;
/** The first chunks compile code, which is not a cost of the body. */
const WARM_UP_CHUNKS = 200_000;
const CHUNK = '1\r\nx\r\n';
const CHUNKS_PER_WRITE = 10_000;
const BLOCK = Buffer.from(CHUNK.repeat(CHUNKS_PER_WRITE), 'latin1');
const PROBE_EVERY_MS = 5;
/** The content of a response: a number. */
const COUNTED = /\r\n\r\n(\d+)$/;

/** The allowed growth of resident memory: a gathered body is copied and converted to a string. */
export function memoryBound(payloadBytes) {
  return 3 * payloadBytes + 20 * MIB;
}

/** A form of one field needs a beginning and an end around its tiny chunks. */
function frameOf(reader) {
  if (reader !== 'form') return { type: '', front: '', end: '' };
  const coded = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
  return {
    type: 'Content-Type: multipart/form-data; boundary=b\r\n',
    front: coded('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'),
    end: coded('\r\n--b--\r\n'),
  };
}

/** Sends `count` chunks to a reader; resolves to the number of bytes that it counted. */
async function upload(port, reader, count) {
  const socket = connect({ port, host: '127.0.0.1' });
  const ended = once(socket, 'close');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  const { type, front, end } = frameOf(reader);
  const lines = `Host: torture\r\nConnection: close\r\n${type}Transfer-Encoding: chunked\r\n`;
  socket.write(`POST /${reader} HTTP/1.1\r\n${lines}\r\n${front}`);
  for (let left = count; left > 0 && !socket.destroyed; left -= CHUNKS_PER_WRITE) {
    const isWritten = socket.write(left < CHUNKS_PER_WRITE ? CHUNK.repeat(left) : BLOCK);
    if (!isWritten) await Promise.race([once(socket, 'drain').catch(() => {}), ended]);
  }
  socket.write(`${end}0\r\n\r\n`);
  await ended;
  return Number(COUNTED.exec(text)?.[1] ?? Number.NaN);
}

/**
 * Sends `count` chunks to the `reader` of an adapter, with further `flags`, beside a good client. Resolves to
 * `{isRight, isWithin, counted, grownBytes, seconds, p99Ms, slowestMs, outcomes}`.
 */
export async function sendTinyChunks({ adapter, reader, count, flags = [] }) {
  const site = makeSite();
  const all = [...ADAPTER_FLAGS[adapter], ...flags, '--handler-timeout-ms', '600000'];
  const target = await Target.start(site.root, { flags: all });
  try {
    await upload(target.port, reader, WARM_UP_CHUNKS);
    const client = goodClient(target.port, PROBE_EVERY_MS);
    const before = target.residentBytes();
    target.resetPeak();
    const begin = performance.now();
    const counted = await upload(target.port, reader, count);
    const seconds = (performance.now() - begin) / 1_000;
    const { outcomes, ...waits } = await client.stop();
    const grownBytes = target.isAlive ? target.peakBytes() - before : Number.POSITIVE_INFINITY;
    const isRight = counted === count && target.isAlive && Object.keys(outcomes).every((name) => name === 'right');
    return { isRight, isWithin: grownBytes <= memoryBound(count), counted, grownBytes, seconds, outcomes, ...waits };
  } finally {
    await target.stop();
    site.remove();
  }
}

// The delay of requests while one Python worker of three hangs.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const REQUESTS = 1_000;
const WARM_UP = 50;
/** One for each worker that is left. */
const CLIENTS = 2;

/** How a request hangs, by the query of `/endless`. */
export const HANGS = ['loop', 'sleep'];

/** Resolves to the status. */
function statusOf(url, agent) {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) =>
      response.resume().once('end', () => resolve(response.statusCode)),
    );
    request.once('error', reject);
  });
}

async function delays(url, count) {
  const all = [];
  let left = count;
  const agent = new Agent({ keepAlive: true });
  const client = async () => {
    while (left-- > 0) {
      const startMs = performance.now();
      const status = await statusOf(url, agent);
      if (status !== 200) throw new Error(`a request got ${status} while a worker hung`);
      all.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  agent.destroy();
  return all.sort((a, b) => a - b);
}

/** `base`: a server with three workers. Returns delays in sorted milliseconds. @throws Error when another request fails. */
export async function measureHang(base, hang) {
  const url = `${base}/`;
  await delays(url, WARM_UP);
  const before = await delays(url, REQUESTS);
  const socket = connect({ port: Number(new URL(base).port), host: '127.0.0.1' });
  try {
    socket.write(`GET /endless?${hang} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await once(socket, 'connect');
    // The worker has the request before the others come: workers take them in their order.
    const meanwhile = await delays(url, REQUESTS);
    if (socket.bytesRead > 0) throw new Error('the request that hangs got a response');
    return { before, meanwhile };
  } finally {
    // After FIN alone the server would wait for the response.
    socket.resetAndDestroy();
  }
}

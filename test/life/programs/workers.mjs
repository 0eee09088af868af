// A server with worker threads that serve beside it. Its paths start and end them:
//   /start   starts one, responds with its port
//   /terminate, /exit-codes   ends all with worker.terminate(); responds with the exit codes so far
//   /sockets   how many sockets the process has open
import { readdirSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { serve } from '../../../dist/index.js';

const workers = new Set();
const exitCodes = [];

function startWorker() {
  const worker = new Worker(new URL('./second-server.mjs', import.meta.url));
  workers.add(worker);
  worker.once('exit', (code) => {
    workers.delete(worker);
    exitCodes.push(code);
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function countSockets() {
  const target = (fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // The descriptor of the directory itself is closed by now.
    }
  };
  const targets = readdirSync('/proc/self/fd').map(target);
  return targets.filter((name) => name.startsWith('socket:') || name.includes('eventpoll')).length;
}

const PATHS = {
  '/start': startWorker,
  '/terminate': async () => Promise.all([...workers].map((worker) => worker.terminate())),
  '/exit-codes': () => exitCodes,
  '/running': () => workers.size,
  '/sockets': countSockets,
};

const server = await serve({
  port: 0,
  handler: async (request, response) => {
    const answer = PATHS[request.path];
    response.send(
      200,
      request.path === '/load' ? {} : { Connection: 'close' },
      answer === undefined ? 'main' : JSON.stringify(await answer()),
    );
  },
});
process.stdout.write(`${server.port}\n`);

// A server that reports, under load, whether other work on its thread still runs.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { serve } from '../../../dist/index.js';

/** How often each kind of work must run during one probe. */
const TICKS = 20;
const ROUNDS = 10;

const other = createServer((_request, response) => response.end('from node:http'));
await new Promise((resolve) => other.listen(0, '127.0.0.1', resolve));

let ticks = 0;
let loaded = 0;
setInterval(() => ticks++, 10).unref();

const tick = () => new Promise((resolve) => setTimeout(resolve, 10));
const immediate = () => new Promise((resolve) => setImmediate(resolve));
const nextTick = () => new Promise((resolve) => process.nextTick(resolve));

async function repeat(action) {
  for (let round = 0; round < ROUNDS; round++) await action();
  return ROUNDS;
}

async function probe() {
  const before = { ticks, loaded };
  const promises = await repeat(() => Promise.resolve());
  const nextTicks = await repeat(nextTick);
  const immediates = await repeat(immediate);
  const timeouts = await repeat(tick);
  let fileBytes = 0;
  const files = await repeat(async () => {
    fileBytes = (await readFile(new URL(import.meta.url))).length;
  });
  let fetched = '';
  const fetches = await repeat(async () => {
    fetched = await (await fetch(`http://127.0.0.1:${other.address().port}/`)).text();
  });
  while (ticks - before.ticks < TICKS) await tick();
  return {
    promises,
    nextTicks,
    immediates,
    timeouts,
    files,
    fileBytes,
    fetches,
    fetched,
    served: loaded - before.loaded,
  };
}

const server = await serve({
  port: 0,
  handler: async (request, response) => {
    if (request.path === '/load') {
      loaded++;
      response.send(200, {}, 'load');
    } else if (request.path === '/probe') {
      response.send(200, {}, JSON.stringify(await probe()));
    } else {
      response.send(404, {}, '');
    }
  },
});
process.stdout.write(`${server.port}\n`);

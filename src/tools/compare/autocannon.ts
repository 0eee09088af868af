// The load generator when wrk is not installed: autocannon in a process of its own. It answers the message `count` with
// the number of responses so far. On SIGINT it prints the figures of the whole run in the format of wrk's script.
//   node autocannon.js AUTOCANNON URL CLIENTS KEEP_ALIVE SECONDS

import { createRequire } from 'node:module';

interface Histogram {
  readonly p50: number;
  readonly p99: number;
  readonly p99_9: number;
}

interface Outcome {
  readonly latency: Histogram;
  readonly throughput: { readonly total: number };
  readonly '2xx': number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
}

interface Instance {
  on(event: 'response', listener: () => void): void;
  stop(): void;
}

interface CannonOptions {
  readonly url: string;
  readonly connections: number;
  readonly duration: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeout: number;
}

const [path = 'autocannon', url = '', clients, keepAlive, seconds] = process.argv.slice(2);
const autocannon: (options: CannonOptions, done: (error: Error | null, outcome: Outcome) => void) => Instance =
  createRequire(import.meta.url)(path);

let responses = 0;
const options: CannonOptions = {
  url,
  connections: Number(clients),
  duration: Number(seconds),
  timeout: 2,
  headers: keepAlive === 'true' ? {} : { connection: 'close' },
};
const instance = autocannon(options, (_, { latency, throughput, non2xx, errors, timeouts, ...counts }) => {
  const us = [latency.p50, latency.p99, latency.p99_9].map((ms) => Math.round(ms * 1_000));
  const requests = counts['2xx'] + non2xx;
  process.stdout.write(`RESULT ${[requests, throughput.total, ...us, non2xx, errors + timeouts].join(' ')}\n`);
});
instance.on('response', () => {
  responses++;
});
process.on('message', () => process.send?.(responses));
process.on('SIGINT', () => instance.stop());

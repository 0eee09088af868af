// A good client over TLS: node secure-client.js PORT PID. `measure MS` on its standard input lets it send requests for
// that long, on a connection that is kept and, every tenth, on a new one. Prints a line of JSON: for both the p99 in
// milliseconds, that of the time and that of the processor time that the server, process PID, spent meanwhile; and a
// sentence about each request without the right response, with what was expected and what came.
import { closeSync, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { contentOf, pause } from './target.js';

const NAME = 'small.txt';
const STATUS_LINE = 'HTTP/1.1 200 OK\r\n';
const NEW_EVERY = 10;
const PAUSE_MS = 2;
const SHOWN_BYTES = 120;
const [port, pid] = process.argv.slice(2).map(Number);
const content = contentOf(NAME);
const request = `GET /${NAME} HTTP/1.1\r\nHost: torture\r\n\r\n`;

class Client {
  #socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  #beginMs = performance.now();
  #received = Buffer.alloc(0);
  #isSecure = false;
  #requests = 0;
  #error = '';
  #changed = () => {};

  constructor() {
    this.#socket.on('secureConnect', () => {
      this.#isSecure = true;
      this.#changed();
    });
    this.#socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#changed();
    });
    this.#socket.on('error', (error) => {
      this.#error = `, ${error.code ?? error.message}`;
    });
    this.#socket.on('close', () => this.#changed());
  }

  /** Whether another request can be sent. */
  get isOpen() {
    return this.#socket.readable && this.#socket.writable;
  }

  /** The first call waits for the handshake. Resolves to what is wrong; empty: the response is right. */
  async exchange() {
    this.#received = Buffer.alloc(0);
    this.#requests++;
    await this.#until(() => this.#isSecure);
    if (!this.#isSecure) return this.#sentence('a handshake');
    this.#socket.write(request);
    await this.#until(() => this.#content.length >= content.length);
    const isRight = this.#received.indexOf(STATUS_LINE) === 0 && this.#content.equals(content);
    return isRight ? '' : this.#sentence(`${STATUS_LINE.trim()} and ${content.length} bytes of ${NAME}`);
  }

  close() {
    this.#socket.destroy();
  }

  /** What came behind the head. */
  get #content() {
    const end = this.#received.indexOf('\r\n\r\n');
    return end < 0 ? Buffer.alloc(0) : this.#received.subarray(end + 4);
  }

  /** Waits until `isReached` or the end of the connection. */
  async #until(isReached) {
    while (!isReached() && !this.#socket.destroyed) {
      await new Promise((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  #sentence(expected) {
    const age = Math.round(performance.now() - this.#beginMs);
    const place = `request ${this.#requests} of a connection that was opened ${age} ms ago`;
    const end = this.#socket.destroyed ? `the end of the connection${this.#error}` : 'no more';
    const bytes = JSON.stringify(this.#received.toString('latin1', 0, SHOWN_BYTES));
    return `${place} expected ${expected}; then came ${this.#received.length} bytes ${bytes} and ${end}`;
  }
}

const schedule = Buffer.alloc(256);

/** Milliseconds of processor time of the server's first thread. */
function serverMs() {
  const descriptor = openSync(`/proc/${pid}/task/${pid}/schedstat`);
  const length = readSync(descriptor, schedule);
  closeSync(descriptor);
  return Number(schedule.toString('latin1', 0, length).split(' ')[0]) / 1e6;
}

function p99(times) {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)];
}

async function measure(ms) {
  const wrong = [];
  const times = { kept: [], new: [], keptServer: [], newServer: [] };
  const timed = async (kind, client) => {
    const [beginMs, serverBeginMs] = [performance.now(), serverMs()];
    const problem = await client.exchange();
    times[kind].push(performance.now() - beginMs);
    times[`${kind}Server`].push(serverMs() - serverBeginMs);
    if (problem !== '') wrong.push(`${kind}: ${problem}`);
  };
  let kept = new Client();
  await kept.exchange();
  const untilMs = performance.now() + ms;
  for (let count = 0; performance.now() < untilMs; count++) {
    if (!kept.isOpen) kept = new Client();
    await timed('kept', kept);
    if (count % NEW_EVERY === 0) {
      const client = new Client();
      await timed('new', client);
      client.close();
    }
    await pause(PAUSE_MS);
  }
  kept.close();
  return { ...Object.fromEntries(Object.entries(times).map(([kind, list]) => [kind, p99(list)])), wrong };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await measure(Number(line.split(' ')[1])))}\n`);
}

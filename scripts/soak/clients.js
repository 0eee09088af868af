// The clients of the soak: some send requests and check the responses, some misbehave.
import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a client pauses between two requests: the soak is long, not hard. */
const PAUSE_MS = 40;
const CLIENTS_PER_TARGET = 2;
/** How long a hostile client keeps its connection. */
const HOLD_MS = 200;

/** Sends the requests of a list over and over, over connections that are kept. */
export class Clients {
  answered = 0;
  /** What was wrong, with its count. */
  problems = new Map();
  /** Responses that failed while a worker had just been killed. */
  forgiven = 0;
  #isOver = false;
  #isForgiving;
  #running = [];

  /** `isForgiving`: whether a failure of that target is expected now. */
  constructor(isForgiving) {
    this.#isForgiving = isForgiving;
  }

  /** `target`: where to connect to, and the requests. */
  add(target) {
    for (let i = 0; i < CLIENTS_PER_TARGET; i++) this.#running.push(this.#send(target));
  }

  /** Misbehaves at these ports. */
  addHostile(ports) {
    this.#running.push(this.#disturb(ports));
  }

  async end() {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #send({ name, isSecure = false, options, requests }) {
    const agent = new (isSecure ? SecureAgent : PlainAgent)({ keepAlive: true, maxSockets: 1, timeout: 60_000 });
    const send = isSecure ? secureRequest : plainRequest;
    for (let i = 0; !this.#isOver; i++) {
      const wanted = requests[i % requests.length];
      // Also new connections are needed, not only kept ones.
      const fields = i % 10 === 0 ? { Connection: 'close' } : {};
      try {
        await exchange(send, { ...options, agent, headers: fields, rejectUnauthorized: false }, wanted);
        this.answered++;
      } catch (error) {
        if (this.#isForgiving(name)) this.forgiven++;
        else this.#note(`${name} ${wanted.method ?? 'GET'} ${wanted.path}: ${error.message}`);
      }
      await sleep(PAUSE_MS);
    }
    agent.destroy();
  }

  async #disturb(ports) {
    for (let i = 0; !this.#isOver; i++) {
      const hostile = HOSTILE[i % HOSTILE.length];
      for (const port of ports) await hostile(port);
      await sleep(PAUSE_MS);
    }
  }

  #note(text) {
    this.problems.set(text, (this.problems.get(text) ?? 0) + 1);
  }
}

function exchange(send, options, { method = 'GET', path, body, status = 200, bytes }) {
  return new Promise((resolve, reject) => {
    const sent = send({ ...options, method, path }, (response) => {
      let received = 0;
      response.on('data', (piece) => (received += piece.length));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== status) reject(new Error(`the status is ${response.statusCode}`));
        else if (bytes !== undefined && received !== bytes) reject(new Error(`${received} bytes arrived`));
        else resolve();
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Connects, sends these pieces, waits for a while, and resets the connection. */
async function abandon(port, ...pieces) {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.on('data', () => {});
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(HOLD_MS / pieces.length);
  }
  socket.resetAndDestroy();
}

const HOSTILE = [
  (port) => abandon(port, 'GET / HT', 'TP/1.1\r\nHo'),
  (port) => abandon(port, 'nonsense\r\n\r\n'),
  (port) => abandon(port, 'POST /fetch/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n', 'x'.repeat(5_000)),
  (port) => abandon(port, 'GET /fetch/stream HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20)),
  (port) => abandon(port, 'POST /fetch/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n'),
  (port) => abandon(port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`),
  (port) => abandon(port, 'GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n'),
  (port) => abandon(port, Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])),
];

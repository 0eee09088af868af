// Keep-alive GETs and POSTs at one port, by clients of node:http, which check each response, and by wrk, which counts.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { isInstalled, start } from './system.js';

const CLIENTS = 16;
const WRK_CLIENTS = 8;
/** A response that does not come is lost, too. */
const ANSWER_MS = 30_000;
const WRK_SCRIPT = fileURLToPath(new URL('wrk.lua', import.meta.url));

export class Load {
  answered = 0;
  lost = 0;
  /** Some of the reasons. */
  reasons = new Set();
  #isOver = false;
  #clients;
  #wrk;

  constructor(port) {
    this.#clients = Array.from({ length: CLIENTS }, (_, index) => this.#run(port, index));
    this.#wrk = isInstalled('wrk') ? startWrk(port) : null;
  }

  async #run(port, index) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; !this.#isOver; i++) {
      const method = (i + index) % 2 === 0 ? 'GET' : 'POST';
      try {
        const text = await ask(port, agent, method, i % 10 === 0 ? '/slow' : '/');
        if (text !== `${method} ${method === 'POST' ? 'content' : ''}`) throw new Error(`the answer is ${text}`);
        this.answered++;
      } catch (error) {
        this.#lose(1, `${method}: ${error.message}`);
      }
    }
    agent.destroy();
  }

  #lose(count, reason) {
    this.lost += count;
    if (this.reasons.size < 4) this.reasons.add(reason);
  }

  async end() {
    this.#isOver = true;
    await Promise.all(this.#clients);
    if (this.#wrk === null) return;
    // It ends in order, and says what it has counted.
    this.#wrk.kill('SIGINT');
    if (this.#wrk.exitCode === null && this.#wrk.signalCode === null) await once(this.#wrk, 'close');
    const [, counts] = /^counts (.*)$/m.exec(this.#wrk.said) ?? [];
    if (counts === undefined) throw new Error(`wrk did not end in order: ${this.#wrk.said}`);
    const { answered, ...errors } = JSON.parse(counts);
    this.answered += answered;
    for (const [kind, count] of Object.entries(errors)) if (count > 0) this.#lose(count, `wrk: ${count} ${kind}`);
  }
}

function startWrk(port) {
  const load = ['--threads', '1', '--connections', String(WRK_CLIENTS), '--duration', '24h', '--timeout', '30s'];
  return start('wrk', [...load, '--script', WRK_SCRIPT, `http://127.0.0.1:${port}/`]);
}

/** Resolves to the text of the response; rejects unless its status is 200. */
export function ask(port, agent, method, path) {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const sent = request({ port, host: '127.0.0.1', agent, method, path, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('error', reject);
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(text) : reject(new Error(`status ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? 'content' : undefined);
  });
}

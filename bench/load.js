// The load generator: wrk, or autocannon where wrk is not installed. Both report the same figures.

import { fileURLToPath } from 'node:url';
import { find, run } from './children.js';
import { LOAD_CLIENTS } from './requests.js';

export const CONNECTIONS = 64;
const SPARE_MS = 15_000;
/** A server without a response after this time counts as failed. */
const ENOUGH_SECONDS = 2;
const VARY = fileURLToPath(new URL('vary.lua', import.meta.url));
const RECORDED = fileURLToPath(new URL('heads.lua', import.meta.url));
const POST = fileURLToPath(new URL('post.lua', import.meta.url));
const AUTOCANNON = fileURLToPath(new URL('autocannon.js', import.meta.url));

const FIXED_QUERY = 'n=123456';
/**
 * One thread for each client: its Lua state has the requests of this client only, so each connection keeps one kind of
 * head. Compared with a single thread, wrk takes a tenth more processor time, and a server half a microsecond more per
 * request, since fewer requests arrive at once. Both apply to identical and mixed heads alike.
 */
const CLIENT_THREADS = [`-t${LOAD_CLIENTS}`];

export class Load {
  constructor() {
    this.wrk = find('wrk');
    this.name = this.wrk === null ? 'autocannon' : 'wrk';
  }

  /** Repeats one request without checks, so that the server is the bottleneck. */
  fixed(port, { path }, seconds) {
    return this.#run(`http://127.0.0.1:${port}${path}?${FIXED_QUERY}`, seconds, '');
  }

  /** Repeats one request over TLS on `connections` connections. `env`: of bench/tls-client.js. */
  secured(port, path, seconds, { env, connections = CONNECTIONS }) {
    const url = `https://127.0.0.1:${port}${path}`;
    if (this.wrk === null) return checked((time) => autocannon(url, time, '', { env, connections }), seconds);
    return checked((time) => wrk(this.wrk, url, time, [], [], { env, connections }), seconds);
  }

  /**
   * Sends a different query each time and checks every response.
   * @throws Error when one is wrong.
   */
  async varied(port, { path, mode }, seconds) {
    const result = await this.#run(`http://127.0.0.1:${port}${path}`, seconds, mode);
    if (result.wrong > 0 || result.checked === 0) {
      throw new Error(`${result.wrong} of ${result.checked} responses under load were wrong`);
    }
    return result;
  }

  /** Sends the requests in `folder` (bench/requests.js) in turn, on separate connections for each client. */
  recorded(port, folder, seconds) {
    const url = `http://127.0.0.1:${port}/`;
    if (this.wrk === null) return checked((time) => autocannon(url, time, '', { folder }), seconds);
    const args = [...CLIENT_THREADS, '-s', RECORDED];
    return checked((time) => wrk(this.wrk, url, time, args, ['--', folder]), seconds);
  }

  /** Repeats one POST request with a JSON text. */
  posted(port, text, seconds) {
    const url = `http://127.0.0.1:${port}/`;
    if (this.wrk === null) return checked((time) => autocannon(url, time, 'json', { folder: text }), seconds);
    return checked((time) => wrk(this.wrk, url, time, ['-s', POST], ['--', text]), seconds);
  }

  async #run(url, seconds, mode) {
    if (this.wrk === null) return checked((time) => autocannon(url, time, mode), seconds);
    const script = mode === '' ? [] : ['-s', VARY];
    return checked((time) => wrk(this.wrk, url, time, script, mode === '' ? [] : ['--', mode]), seconds);
  }
}

/**
 * The figures of a run. On a busy machine a run of tenths of a second can end before the first response; it is repeated
 * with twice the length.
 */
async function checked(runFor, seconds) {
  const result = await runFor(seconds);
  if (result.requests === 0 && seconds < ENOUGH_SECONDS) return checked(runFor, seconds * 2);
  if (result.requests === 0) throw new Error('no request got a response');
  if (result.failed > 0) throw new Error(`${result.failed} requests failed`);
  return result;
}

async function autocannon(url, seconds, mode, { folder, env = process.env, connections = CONNECTIONS } = {}) {
  const args = [AUTOCANNON, url, `${seconds}`, `${connections}`, mode, ...(folder === undefined ? [] : [folder])];
  const { code, stdout, stderr } = await run(process.execPath, args, { env, limitMs: seconds * 1000 + SPARE_MS });
  if (code !== 0) throw new Error(`autocannon failed: ${stderr}`);
  return JSON.parse(stdout);
}

async function wrk(path, url, seconds, more, tail, { env = process.env, connections = CONNECTIONS } = {}) {
  // A later -t replaces this one.
  const args = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '--latency', ...more];
  // wrk accepts whole seconds only; after an interrupt it reports what it has.
  const interruptMs = Number.isInteger(seconds) ? undefined : seconds * 1000;
  const { code, stdout, stderr } = await run(path, [...args, url, ...tail], {
    env,
    limitMs: seconds * 1000 + SPARE_MS,
    interruptMs,
  });
  // On a busy machine the interrupt can come before wrk is ready to report.
  if (code === 'SIGINT' && interruptMs !== undefined) return { requests: 0 };
  if (code !== 0) throw new Error(`wrk failed: ${stderr}${stdout}`);
  return readWrk(stdout);
}

function readWrk(text) {
  const [, requests, took] = /^ *(\d+) requests in (\S+),/m.exec(text) ?? [];
  if (requests === undefined) throw new Error(`unexpected output of wrk: ${text}`);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  const other = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  const [, checked = 0, wrong = 0] = /CHECKED (\d+) WRONG (\d+)/.exec(text) ?? [];
  return {
    requests: Number(requests),
    seconds: microseconds(took) / 1e6,
    p50Us: microseconds(/ 50%\s+(\S+)/.exec(text)?.[1]),
    p99Us: microseconds(/ 99%\s+(\S+)/.exec(text)?.[1]),
    failed: errors.reduce((sum, count) => sum + Number(count), Number(other)),
    checked: Number(checked),
    wrong: Number(wrong),
  };
}

/** Parses `1.25ms`, `800.00us`, `2.01s`, `1.00m`. */
function microseconds(text = '') {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(value) * ({ us: 1, ms: 1e3, s: 1e6, m: 6e7 }[unit] ?? Number.NaN);
}

// The load: wrk, or autocannon where there is none. Both report the same figures.

import { fileURLToPath } from 'node:url';
import { find, run } from './children.js';
import { LOAD_CLIENTS } from './requests.js';

export const CONNECTIONS = 64;
const SPARE_MS = 15_000;
/** A server that has not answered after so long does not answer at all. */
const ENOUGH_SECONDS = 2;
const VARY = fileURLToPath(new URL('vary.lua', import.meta.url));
const RECORDED = fileURLToPath(new URL('heads.lua', import.meta.url));
const CANNON = fileURLToPath(new URL('cannon.js', import.meta.url));

const FIXED_QUERY = 'n=123456';
/**
 * A thread for each client: its Lua state has the requests of this client alone, so each connection keeps one kind of
 * head. Against one thread for all, the same load takes wrk a tenth more processor time, and a server half a microsecond
 * a request, since fewer requests are there at once; identical and mixed heads alike.
 */
const CLIENT_THREADS = [`-t${LOAD_CLIENTS}`];

export class Load {
  constructor() {
    this.wrk = find('wrk');
    this.name = this.wrk === null ? 'autocannon' : 'wrk';
  }

  /** The same request all the time; nothing is looked at, so that the server is the bottleneck. */
  fixed(port, { path }, seconds) {
    return this.#run(`http://127.0.0.1:${port}${path}?${FIXED_QUERY}`, seconds, '');
  }

  /** A different query each time, every answer checked. Throws when one is wrong. */
  async varied(port, { path, mode }, seconds) {
    const result = await this.#run(`http://127.0.0.1:${port}${path}`, seconds, mode);
    if (result.wrong > 0 || result.checked === 0) {
      throw new Error(`${result.wrong} of ${result.checked} answers under load were wrong`);
    }
    return result;
  }

  /** The requests in `folder` (bench/requests.js) in turn, on separate connections for each client. */
  recorded(port, folder, seconds) {
    const url = `http://127.0.0.1:${port}/`;
    if (this.wrk === null) return checked((time) => cannon(url, time, '', folder), seconds);
    const args = [...CLIENT_THREADS, '-s', RECORDED];
    return checked((time) => wrk(this.wrk, url, time, args, ['--', folder]), seconds);
  }

  async #run(url, seconds, mode) {
    if (this.wrk === null) return checked((time) => cannon(url, time, mode), seconds);
    const script = mode === '' ? [] : ['-s', VARY];
    return checked((time) => wrk(this.wrk, url, time, script, mode === '' ? [] : ['--', mode]), seconds);
  }
}

/**
 * The figures of a run. One that ended before the first answer came, as tenths of a second can on a busy machine, is made
 * again, twice as long.
 */
async function checked(runFor, seconds) {
  const result = await runFor(seconds);
  if (result.requests === 0 && seconds < ENOUGH_SECONDS) return checked(runFor, seconds * 2);
  if (result.requests === 0) throw new Error('the load got no answer');
  if (result.failed > 0) throw new Error(`the load counted ${result.failed} failed requests`);
  return result;
}

async function cannon(url, seconds, mode, ...folder) {
  const { code, stdout, stderr } = await run(
    process.execPath,
    [CANNON, url, `${seconds}`, `${CONNECTIONS}`, mode, ...folder],
    { limitMs: seconds * 1000 + SPARE_MS },
  );
  if (code !== 0) throw new Error(`autocannon failed: ${stderr}`);
  return JSON.parse(stdout);
}

async function wrk(path, url, seconds, more, tail) {
  // A later -t takes the place of this one.
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${Math.ceil(seconds)}s`, '--latency', ...more];
  // wrk knows whole seconds only; interrupted, it reports what it has.
  const interruptMs = Number.isInteger(seconds) ? undefined : seconds * 1000;
  const { code, stdout, stderr } = await run(path, [...args, url, ...tail], {
    limitMs: seconds * 1000 + SPARE_MS,
    interruptMs,
  });
  // Interrupted before it was ready to report, on a busy machine.
  if (code === 'SIGINT' && interruptMs !== undefined) return { requests: 0 };
  if (code !== 0) throw new Error(`wrk failed: ${stderr}${stdout}`);
  return readWrk(stdout);
}

function readWrk(text) {
  const [, requests, took] = /^ *(\d+) requests in (\S+),/m.exec(text) ?? [];
  if (requests === undefined) throw new Error(`wrk said: ${text}`);
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

/** `1.25ms`, `800.00us`, `2.01s`, `1.00m`. */
function microseconds(text = '') {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(value) * ({ us: 1, ms: 1e3, s: 1e6, m: 6e7 }[unit] ?? Number.NaN);
}

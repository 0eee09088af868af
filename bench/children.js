// Child processes: started, controlled over lines of text, measured through /proc, and ended by their id at exit.

import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const ANSWER_MS = 20_000;
const alive = new Set();

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => process.exit(code));
}
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts a program that is killed when this process exits. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  alive.add(child);
  child.ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.code));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  child.ended.then(() => alive.delete(child));
  child.stdin?.on('error', () => {});
  return child;
}

/** Runs a program to its end and returns its output; kills it after `limitMs`. */
export async function run(command, args, { limitMs, interruptMs, ...options }) {
  const child = start(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const chunks = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].on('data', (text) => {
      chunks[name] += text;
    });
  const timers = [setTimeout(() => child.kill('SIGKILL'), limitMs)];
  if (interruptMs !== undefined) timers.push(setTimeout(() => child.kill('SIGINT'), interruptMs));
  const code = await child.ended;
  for (const timer of timers) clearTimeout(timer);
  return { code, ...chunks };
}

/** A child that replies to each line of input with a line; its first line is `PORT n` (or as `first` defines). */
export class ControlledChild {
  #waiting = [];
  #over = false;

  constructor(name, command, args, options) {
    this.name = name;
    this.process = start(command, args, options);
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    this.process.ended.then((code) => {
      this.#over = true;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${name} ended early (${code})`));
    });
  }

  get pid() {
    return this.process.pid;
  }

  /** Reads the next line of output. */
  line(limitMs = ANSWER_MS) {
    if (this.#over) return Promise.reject(new Error(`${this.name} has ended`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no output from ${this.name} for ${limitMs} ms`)), limitMs);
      const finish = (done) => (value) => {
        clearTimeout(timer);
        done(value);
      };
      this.#waiting.push({ resolve: finish(resolve), reject: finish(reject) });
    });
  }

  async query(line) {
    const response = this.line();
    this.process.stdin.write(`${line}\n`);
    return JSON.parse(await response);
  }

  async end() {
    this.process.kill('SIGKILL');
    await this.process.ended;
  }
}

/** The path of a program, or null. */
export function find(name, path = process.env.PATH ?? '') {
  for (const folder of path.split(':')) {
    try {
      execFileSync(`${folder}/${name}`, ['--version'], { stdio: 'ignore', timeout: 5000 });
      return `${folder}/${name}`;
    } catch (error) {
      // wrk prints its version and exits with 1.
      if (typeof error.status === 'number') return `${folder}/${name}`;
    }
  }
  return null;
}

let ticksPerSecond;

/** The congestion control of the system: a megabyte costs half as much again with bbr as with cubic. */
export function congestionControl() {
  return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'latin1').trim();
}

/** User and system seconds of a process, all its threads included. */
export function cpuOf(pid) {
  return cpuIn(`/proc/${pid}/stat`);
}

/** Processor seconds of all threads but the main one: in Node.js, of compilation and garbage collection. */
export function helperSecondsOf(pid) {
  let seconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    if (thread === `${pid}`) continue;
    const { user, system } = cpuIn(`/proc/${pid}/task/${thread}/stat`);
    seconds += user + system;
  }
  return seconds;
}

function cpuIn(file) {
  ticksPerSecond ??= clockTicks();
  const stat = readFileSync(file, 'utf8');
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(words[11]) / ticksPerSecond, system: Number(words[12]) / ticksPerSecond };
}

function clockTicks() {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  } catch {
    return 100;
  }
}

/** Resident bytes of a process. */
export function residentOf(pid) {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

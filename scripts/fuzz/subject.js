// A server under fuzz: its process group, its standard error, and its resources in /proc.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cpuSecondsOf, pidsOf, residentBytesOf } from '../../build/modules/tools/compare/processes.js';
import { Program } from '../../build/modules/tools/compare/program.js';
import { argvOf } from './servers.js';

const START_MS = 20_000;
const STOP_MS = 15_000;
const MAX_UNEXPECTED = 20;
/** Lines of a trace, and reports of errors that the applications throw on purpose. */
const isExpectedLine = (line) => line === '' || /^[*<>] /.test(line) || line.includes('planned failure');
const CONTROL = /\p{Cc}/u;

/** Counts the descriptors of a process: sockets and others. */
function descriptorsOf(pid) {
  const counts = { sockets: 0, others: 0 };
  for (const fd of orGone(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const target = orGone(() => readlinkSync(`/proc/${pid}/fd/${fd}`), '');
    if (target.startsWith('socket:')) counts.sockets++;
    else if (target !== '') counts.others++;
  }
  return counts;
}

function peakBytesOf(pid) {
  const status = orGone(() => readFileSync(`/proc/${pid}/status`, 'utf8'), '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Returns what `read` finds in /proc; `otherwise` when the process or its descriptor has gone. */
function orGone(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

export class Subject {
  port = 0;
  /** Lines on standard error without an explanation. */
  unexpected = [];
  /** Its process ids, once it serves. */
  #pids = [];
  #program;
  #line = '';

  constructor(server, testSite) {
    this.server = server;
    const [command, ...args] = argvOf(server, testSite);
    this.#program = new Program(server.name, command, args);
    this.#program.child.stderr.on('data', (bytes) => this.#onStderr(bytes.toString('utf8')));
  }

  /** Waits until it listens; resolves to false if it ended before. */
  async started() {
    const found = await this.#program.waitForOutput(/http:\/\/[^:/]+:(\d+)\//, START_MS);
    this.port = Number(found?.[1] ?? 0);
    return found !== null;
  }

  get lastLine() {
    return this.#program.lastLine;
  }

  /** Called after the first response, when all of its processes exist. */
  serves() {
    this.#pids = pidsOf(this.#program.pid);
  }

  /** How it ended; empty while it runs. */
  get end() {
    return this.#program.outcome;
  }

  /** Seconds of processor time of all its processes. */
  cpuSeconds() {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  residentBytes() {
    return residentBytesOf(this.#program.pid);
  }

  /** The peak of resident memory of one of its processes. */
  peakBytes() {
    return Math.max(0, ...this.#pids.map(peakBytesOf));
  }

  descriptors() {
    const all = this.#pids.map(descriptorsOf);
    const sum = (name) => all.reduce((total, each) => total + each[name], 0);
    return { sockets: sum('sockets'), others: sum('others') };
  }

  /** Shuts it down; resolves to what was wrong, or to an empty string. */
  async stop() {
    if (this.end !== '') return '';
    this.#program.signal('SIGTERM');
    const timer = setTimeout(() => this.#program.kill(), STOP_MS);
    const outcome = await this.#program.ended;
    clearTimeout(timer);
    return ['exit code 0', 'SIGTERM'].includes(outcome) ? '' : `it did not shut down cleanly after SIGTERM: ${outcome}`;
  }

  #onStderr(text) {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      const isExpected = isExpectedLine(line) && !CONTROL.test(line);
      if (!isExpected && this.unexpected.length < MAX_UNEXPECTED) this.unexpected.push(line.slice(0, 2_000));
    }
  }
}

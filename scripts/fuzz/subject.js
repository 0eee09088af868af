// A server under fuzz: its process group, what it says on standard error, and what /proc tells of it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cpuSecondsOf, pidsOf, residentBytesOf } from '../../build/modules/tools/compare/processes.js';
import { Program } from '../../build/modules/tools/compare/program.js';
import { argvOf } from './servers.js';

const START_MS = 20_000;
const STOP_MS = 15_000;
const MAX_UNEXPECTED = 20;
/** Lines of a trace, and reports of what the applications of the run throw on purpose; nothing that moves a cursor. */
const isExpectedLine = (line) => line === '' || /^[*<>] /.test(line) || line.includes('planned failure');
const CONTROL = /\p{Cc}/u;

/** Descriptors of a process by what they are: sockets, and everything else. */
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

/** What `read` finds in /proc; `otherwise` when the process, or its descriptor, is gone. */
function orGone(read, otherwise) {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

export class Subject {
  port = 0;
  /** Lines on standard error that nothing explains. */
  unexpected = [];
  /** Its processes, since it serves. */
  #pids = [];
  #program;
  #line = '';

  constructor(server, place) {
    this.server = server;
    const [command, ...args] = argvOf(server, place);
    this.#program = new Program(server.name, command, args);
    this.#program.child.stderr.on('data', (bytes) => this.#said(bytes.toString('utf8')));
  }

  /** Waits until it listens; false: it never will. */
  async started() {
    const found = await this.#program.said(/http:\/\/[^:/]+:(\d+)\//, START_MS);
    this.port = Number(found?.[1] ?? 0);
    return found !== null;
  }

  get lastLine() {
    return this.#program.lastLine;
  }

  /** It has answered, so that all of its processes are there. */
  serves() {
    this.#pids = pidsOf(this.#program.pid);
  }

  /** How it ended; empty while it runs. */
  get end() {
    return this.#program.how;
  }

  /** Seconds of processor time, of all its processes. */
  cpuSeconds() {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  residentBytes() {
    return residentBytesOf(this.#program.pid);
  }

  /** The most that one of its processes ever had. */
  peakBytes() {
    return Math.max(0, ...this.#pids.map(peakBytesOf));
  }

  descriptors() {
    const all = this.#pids.map(descriptorsOf);
    const sum = (name) => all.reduce((total, each) => total + each[name], 0);
    return { sockets: sum('sockets'), others: sum('others') };
  }

  /** Ends it in order; what was wrong with that, or nothing. */
  async stop() {
    if (this.end !== '') return '';
    this.#program.signal('SIGTERM');
    const timer = setTimeout(() => this.#program.kill(), STOP_MS);
    const how = await this.#program.ended;
    clearTimeout(timer);
    return ['exit code 0', 'SIGTERM'].includes(how) ? '' : `it was ended by SIGTERM, and not in order: ${how}`;
  }

  #said(text) {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      const isExpected = isExpectedLine(line) && !CONTROL.test(line);
      if (!isExpected && this.unexpected.length < MAX_UNEXPECTED) this.unexpected.push(line.slice(0, 2_000));
    }
  }
}

// The server under torture: the built command or another program, in a process that is watched from outside.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOf } from '../../build/modules/tools/compare/processes.js';

const COMMAND = fileURLToPath(new URL('../../dist/epoll-server.js', import.meta.url));

/** The files of every target; the number is their length in bytes. */
export const FILES = { 'small.txt': 300, 'medium.bin': 60_000, 'large.bin': 1_000_000 };

/** Deadlines short enough that a stalled connection is closed before the next case. */
const DEADLINES = ['first-byte', 'header', 'body', 'send', 'keep-alive', 'half-closed', 'linger'].flatMap((name) => [
  `--${name}-timeout-ms`,
  '1500',
]);

export function contentOf(name) {
  return Buffer.alloc(FILES[name], `<${name}>`);
}

/** A folder with {@link FILES}; `remove` deletes it. */
export function makeSite() {
  const folder = mkdtempSync(join(tmpdir(), 'torture-'));
  const root = join(folder, 'root');
  const fill = () => {
    mkdirSync(root);
    for (const name of Object.keys(FILES)) writeFileSync(join(root, name), contentOf(name));
  };
  fill();
  return {
    root,
    folder,
    /** Deletes the root itself, or restores it. */
    lose: () => rmSync(root, { recursive: true }),
    restore: fill,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * The descriptors of `now` that `before` did not have. The server keeps a file open for ten seconds after its last use, but
 * closes it when descriptors run out: one of each file in `root` may have been opened since.
 */
export function surplusOf(before, now, root) {
  const files = Object.keys(FILES).map((name) => join(root, name));
  const known = [...before, ...files.filter((path) => !before.includes(path))];
  return now.filter((name) => {
    const at = known.indexOf(name);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

export class Target {
  /** `wrapper`: a command in front of node, such as `['prlimit', '--nofile=64']`. */
  static async start(root, { wrapper = [], flags = [], env = {}, nodeFlags = [] } = {}) {
    const argv = [
      ...wrapper,
      process.execPath,
      ...nodeFlags,
      COMMAND,
      '--port',
      '0',
      '--root',
      root,
      ...DEADLINES,
      ...flags,
    ];
    const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const target = new Target(child);
    await target.#announced();
    return target;
  }

  constructor(child) {
    this.child = child;
    this.stdout = '';
    this.stderr = '';
    this.exit = null;
    child.stdout.on('data', (bytes) => {
      this.stdout += bytes;
    });
    child.stderr.on('data', (bytes) => {
      this.stderr = `${this.stderr}${bytes}`.slice(-10_000);
    });
    child.on('exit', (code, signal) => {
      this.exit = signal ?? code;
    });
  }

  async #announced() {
    for (;;) {
      const port = /https?:\/\/[^:/]+:(\d+)\//.exec(this.stdout)?.[1];
      const pid = /pid (\d+)\)/.exec(this.stdout)?.[1];
      if (port !== undefined && pid !== undefined) {
        [this.port, this.pid] = [Number(port), Number(pid)];
        return;
      }
      if (this.exit !== null) throw new Error(`the server ended (${this.exit}) before it listened: ${this.stderr}`);
      await pause(20);
    }
  }

  get isAlive() {
    return this.exit === null;
  }

  /** What each open descriptor is, as /proc says it: a path, or `socket:[1234]`. */
  descriptors() {
    const folder = `/proc/${this.pid}/fd`;
    return readdirSync(folder).flatMap((fd) => {
      try {
        return readlinkSync(join(folder, fd));
      } catch (error) {
        // It was closed meanwhile.
        if (error.code === 'ENOENT') return [];
        throw error;
      }
    });
  }

  /** Resident memory in bytes. */
  residentBytes() {
    return this.#status('VmRSS') * 1024;
  }

  /** The peak of resident memory since the start, or since {@link resetPeak}. */
  peakBytes() {
    return this.#status('VmHWM') * 1024;
  }

  resetPeak() {
    // proc(5): 5 resets the peak of the resident set.
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** Seconds of processor time. */
  cpuSeconds() {
    return cpuSecondsOf(this.pid);
  }

  /** A number of /proc/PID/status. */
  #status(name) {
    const lines = readFileSync(`/proc/${this.pid}/status`, 'utf8').split('\n');
    return Number.parseInt(lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? '', 10);
  }

  signal(name) {
    process.kill(this.pid, name);
  }

  async stop() {
    if (!this.isAlive) return;
    this.signal('SIGTERM');
    for (let waited = 0; this.isAlive && waited < 10_000; waited += 50) await pause(50);
    if (this.isAlive) this.signal('SIGKILL');
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

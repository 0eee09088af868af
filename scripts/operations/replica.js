// One of several servers behind a proxy, and what an operator does to it.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createNativeKernel } from '../../build/modules/kernel/native-kernel.js';
import { freePort } from '../programs.js';
import { folder, isRunning, start, until } from './system.js';

const COMMAND = fileURLToPath(new URL('../../dist/epoll-server.js', import.meta.url));
/** Two failed checks of 200 ms take a replica out; no proxy keeps an idle connection for longer than a second. */
const TIMES = ['--drain-delay-ms', '1500', '--shutdown-grace-ms', '2500', '--shutdown-timeout-ms', '10000'];
/** The proxy uses a replica again after one or two checks. */
const CHECKED_MS = 800;
const BACKLOG = 4_096;

/** Opens the sockets that outlive their replicas, as systemd does. */
const kernel = createNativeKernel();

/** How a replica listens, and how its proxy connects to it. */
const LISTENERS = {
  tcp: async () => {
    const port = await freePort();
    return { listen: `127.0.0.1:${port}`, address: `127.0.0.1:${port}`, fds: [] };
  },
  unix: async (name) => {
    const path = join(folder, `${name}.sock`);
    // nginx drops its privileges.
    return { listen: `unix:${path}?mode=666`, address: `unix:${path}`, fds: [] };
  },
  held: async () => {
    const fd = kernel.listen('127.0.0.1', 0, BACKLOG);
    return { listen: 'fd:3', address: `127.0.0.1:${kernel.local(fd).port}`, fds: [fd] };
  },
};

export class Replica {
  #args;
  #fds;

  /** `socket`: a key of LISTENERS; `option`: of the listener; `flags`: others. */
  static async start(name, { socket = 'tcp', option = '', flags = [] }) {
    const { listen, address, fds } = await LISTENERS[socket](name);
    return new Replica(name, { listen: `${listen}${option}`, address, fds, flags, adminPort: await freePort() });
  }

  constructor(name, { listen, address, fds, flags, adminPort }) {
    this.address = address;
    this.adminPort = adminPort;
    this.pidFile = join(folder, `${name}.pid`);
    this.#fds = fds;
    const own = ['--listen', listen, '--admin', `127.0.0.1:${adminPort}`, '--pid-file', this.pidFile];
    const others = ['--workers', '1', '--trusted-proxies', 'loopback', '--no-access-log', '--quiet', ...TIMES];
    this.#args = [COMMAND, join(folder, 'app.mjs'), ...own, ...flags, ...others];
    this.#begin();
  }

  #begin() {
    this.child = start(process.execPath, this.#args, this.#fds);
  }

  get pid() {
    return Number(readFileSync(this.pidFile, 'utf8'));
  }

  /** `status` 0: there was no response, and `text` says why. */
  async get(path) {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.adminPort}${path}`);
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      return { status: 0, text: String(error.cause ?? error) };
    }
  }

  async ready() {
    await until(async () => {
      if (this.child.exitCode !== null && this.child.exitCode > 0)
        throw new Error(`a replica has ended: ${this.child.said}`);
      return (await this.get('/readyz')).status === 200;
    }, 'a replica is ready');
    await sleep(CHECKED_MS);
  }

  /** Ends the main process by that signal, which may be another one than was started, and starts it again. */
  async restart(signal) {
    const { pid } = this;
    const workers = this.workers();
    process.kill(pid, signal);
    // A worker whose parent is killed still ends in order. A parent that lives replaces a worker that is killed.
    if (signal === 'SIGKILL') for (const worker of workers) process.kill(worker, signal);
    await until(() => !isRunning(pid), 'a replica has ended');
    rmSync(this.pidFile, { force: true });
    this.#begin();
    await this.ready();
  }

  async reload() {
    const [old] = this.workers();
    process.kill(this.pid, 'SIGHUP');
    await until(() => this.workers().length === 1 && this.workers()[0] !== old, 'the worker is replaced');
  }

  workers() {
    return readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ').map(Number);
  }

  async upgrade() {
    const { pid } = this;
    process.kill(pid, 'SIGUSR2');
    await until(() => !isRunning(pid), 'the old version has ended');
    await this.ready();
  }

  async end() {
    const { pid } = this;
    process.kill(pid, 'SIGTERM');
    await until(() => !isRunning(pid), 'a replica has ended');
    for (const fd of this.#fds) kernel.close(fd);
  }
}

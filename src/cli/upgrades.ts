// SIGUSR2: starts the next version of this program on the same listeners. This one ends when that one serves, and goes on
// if it does not start.

import { messageOf } from '../errors.ts';
import { logLine } from '../log/log-line.ts';
import { FIRST_PROCESS } from './end-signals.ts';
import type { Serving } from './model.ts';
import { tellMainProcess, tellReady, tellReloading } from './service-manager.ts';

export class Upgrades {
  readonly #server: Serving;
  /** Ends this version after its listeners were handed over. */
  readonly #end: () => Promise<void>;
  /** Ends the version that is starting. */
  #starting = new AbortController();
  /** This version ends, or has been replaced. */
  #isOver = false;

  constructor(server: Serving, end: () => Promise<void>) {
    this.#server = server;
    this.#end = end;
  }

  /** A version that is still starting is ended first: it may hang on a fault that has been mended since. */
  async begin(): Promise<void> {
    if (this.#isOver) return;
    const { upgrade } = this.#server;
    if (upgrade === undefined) return logLine('SIGUSR2 needs workers: start the server with --workers N');
    if (process.pid === FIRST_PROCESS)
      return logLine('SIGUSR2 cannot replace process 1: start another container instead');
    this.#starting.abort();
    const starting = new AbortController();
    this.#starting = starting;
    tellReloading();
    const pid = await upgrade(starting.signal).catch((error: unknown) => {
      if (this.#isOver || starting !== this.#starting) return null;
      tellReady();
      logLine(`this version goes on: ${messageOf(error)}`);
      return null;
    });
    if (pid === null) return;
    this.#isOver = true;
    logLine(`process ${pid} has taken over`);
    tellMainProcess(pid);
    await this.#server.close({ isReplaced: true });
    await this.#end();
  }

  /** This version ends without a successor. */
  cancel(): void {
    this.#isOver = true;
    this.#starting.abort();
  }
}

// The server of a contender in one round: started on demand, and restarted when it no longer responds.

import {
  type Contender,
  type LaunchOptions,
  type ResponseSource,
  type RunningContender,
  startContender,
} from './contender.ts';
import { type Bench, isFree, warmUp } from './trial.ts';

export class ContenderRun {
  readonly #contender: Contender;
  readonly #launchOptions: LaunchOptions;
  readonly #bench: Bench;
  #source: ResponseSource | null = null;
  #server: RunningContender | null = null;

  constructor(contender: Contender, launchOptions: LaunchOptions, bench: Bench) {
    this.#contender = contender;
    this.#launchOptions = launchOptions;
    this.#bench = bench;
  }

  /** Returns a server with the responses of `source` that is not busy with earlier clients. */
  async server(source: ResponseSource): Promise<RunningContender> {
    this.#bench.signal.throwIfAborted();
    const response = source === 'files' ? 'kib' : 'text';
    if (this.#server !== null && this.#source === source && (await isFree(this.#server, response, this.#bench))) {
      return this.#server;
    }
    await this.end();
    this.#server = await startContender(this.#contender, source, this.#launchOptions);
    this.#source = source;
    await warmUp(this.#server, response, this.#bench);
    return this.#server;
  }

  async end(): Promise<void> {
    await this.#server?.program.end();
    this.#server = null;
  }
}

// The server of a contender in one round: started when it is needed, and anew when it is of no use any more.

import { type AnswerSource, type Contender, type Ground, type RunningContender, startContender } from './contender.ts';
import { type Bench, isFree, warmUp } from './trial.ts';

export class ContenderRun {
  readonly #contender: Contender;
  readonly #ground: Ground;
  readonly #bench: Bench;
  #place: AnswerSource | null = null;
  #server: RunningContender | null = null;

  constructor(contender: Contender, ground: Ground, bench: Bench) {
    this.#contender = contender;
    this.#ground = ground;
    this.#bench = bench;
  }

  /** A server with the answers of `place` that has nothing to do. */
  async server(place: AnswerSource): Promise<RunningContender> {
    this.#bench.signal.throwIfAborted();
    const answer = place === 'files' ? 'kib' : 'text';
    if (this.#server !== null && this.#place === place && (await isFree(this.#server, answer, this.#bench))) {
      return this.#server;
    }
    await this.end();
    this.#server = await startContender(this.#contender, place, this.#ground);
    this.#place = place;
    await warmUp(this.#server, answer, this.#bench);
    return this.#server;
  }

  async end(): Promise<void> {
    await this.#server?.program.end();
    this.#server = null;
  }
}

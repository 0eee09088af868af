// A record of the calls to a simulated kernel and their results: a fingerprint that distinguishes two runs, a text for
// listeners, and forbidden calls.

import { EVENT_WORDS } from '../kernel/kernel.ts';
import { eventTexts } from './simulated-poller.ts';

/** The prime of the FNV-1a hash. */
const FNV_PRIME = 0x01000193;

export class CallLedger {
  /** Calls on descriptors that were not open: a correct server makes none. */
  readonly misuses: string[] = [];
  /** Calls that had an effect: a busy loop makes none. */
  effects = 0;
  /** A hash of all calls and their results, equal only for equal runs. */
  fingerprint = 0;
  /** Called with the text of every call, if set. */
  onCall: ((text: string) => void) | null = null;

  result(call: string, fd: number, result: number): void {
    if (result >= 0) this.effects++;
    this.#mix(call.length);
    this.#mix(fd);
    this.#mix(result);
    this.onCall?.(`${call} ${fd} = ${result}`);
  }

  /** Records that a wait reported the first `count` of `events`. */
  waited(events: Int32Array, count: number): void {
    if (count > 0) this.effects++;
    for (let word = 0; word < count * EVENT_WORDS; word++) this.#mix(events[word] ?? 0);
    if (this.onCall !== null) for (const text of eventTexts(events, count)) this.onCall(text);
  }

  misused(call: string, fd: number, how = 'of a descriptor that is not open'): void {
    this.misuses.push(`${call} ${how}: ${fd}`);
  }

  #mix(value: number): void {
    this.fingerprint = Math.imul(this.fingerprint ^ value, FNV_PRIME) | 0;
  }
}

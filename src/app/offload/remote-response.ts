// An answer that another thread gives to its client: what a worker's handler writes to. Framing and its rules are
// the other thread's. It must not know what the handler is.

import type { MessagePort } from 'node:worker_threads';
import { EpollServerError, messageOf } from '../../errors.ts';
import { type FieldInput, PrecompiledFields, precompileFields } from '../../http/fields.ts';
import { CANNOT_SEND_FILE, type FileReceipt, type HttpResponse } from '../../http/handler.ts';
import type { MessageFields, ToWorker } from './messages.ts';
import { exactBytes, messageWeight } from './piece.ts';

/** Written and not yet taken by the client: as much as the outbox of a connection holds by default. */
const WINDOW_BYTES = 65_536;

/** A handler that writes without waiting for the client is stopped within `write` when so much is not taken. */
const MAX_UNTAKEN_BYTES = 4 * WINDOW_BYTES;

export class RemoteResponse implements HttpResponse {
  readonly #port: MessagePort;
  #isStarted = false;
  #isEnded = false;
  #isGone = false;
  #writtenWeight = 0;
  #takenWeight = 0;
  #waiters: (() => void)[] = [];
  /** Resolves {@link over}, once that was asked for. */
  #onOver: (() => void) | null = null;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  get started(): boolean {
    return this.#isStarted;
  }

  get ended(): boolean {
    return this.#isEnded || this.#isGone;
  }

  get #untakenWeight(): number {
    return this.#writtenWeight - this.#takenWeight;
  }

  /** Resolves when the answer is complete, or can no longer be given. */
  over(): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onOver = resolve;
    });
  }

  send(status: number, fields: FieldInput = [], content: string | Uint8Array = ''): void {
    this.#begin();
    this.#isEnded = true;
    this.#post({ type: 'send', status, fields: pairsOf(fields), content: exactBytes(content) });
    this.#onOver?.();
  }

  start(status: number, fields: FieldInput = []): void {
    this.#begin();
    this.#post({ type: 'start', status, fields: pairsOf(fields) });
  }

  write(content: string | Uint8Array): boolean {
    this.#assertWritable();
    if (this.#isGone) return true;
    if (this.#untakenWeight >= MAX_UNTAKEN_BYTES) this.#stall();
    this.#writtenWeight += messageWeight(content);
    this.#post({ type: 'write', content: exactBytes(content) });
    return this.#untakenWeight < WINDOW_BYTES;
  }

  /** Stops this thread, whose one request waits for its client: no message can be received meanwhile. */
  #stall(): void {
    const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.#post({ type: 'stalled', gate });
    Atomics.wait(gate, 0, 0);
    this.#takenWeight = this.#writtenWeight;
  }

  drained(): Promise<void> {
    if (this.ended || this.#untakenWeight < WINDOW_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  whenDrained(callback: () => void): boolean {
    if (this.ended || this.#untakenWeight < WINDOW_BYTES) return false;
    this.#waiters.push(callback);
    return true;
  }

  /** The connection is another thread's: read and write instead. */
  writeFile(_descriptor: number, _position: number, _length: number, receipt: FileReceipt): void {
    receipt.taken(CANNOT_SEND_FILE);
  }

  end(content?: string | Uint8Array): void {
    if (content !== undefined) this.write(content);
    else this.#assertWritable();
    this.#isEnded = true;
    this.#post({ type: 'end' });
    this.#onOver?.();
  }

  abort(): void {
    if (this.ended) return;
    this.#isEnded = true;
    this.#post({ type: 'abort' });
    this.#onOver?.();
  }

  receive(message: ToWorker): void {
    if (message.type === 'taken') this.#takenWeight = Math.max(this.#takenWeight, message.weight);
    else if (message.type === 'gone') {
      this.#isGone = true;
      this.#onOver?.();
    } else return;
    if (this.#untakenWeight >= WINDOW_BYTES && !this.#isGone) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #begin(): void {
    if (this.#isStarted) {
      throw new EpollServerError('ERR_ALREADY_ANSWERED', 'this request has an answer already: call send or start once');
    }
    this.#isStarted = true;
  }

  #assertWritable(): void {
    if (!this.#isStarted) throw new EpollServerError('ERR_NOT_STARTED', 'call start before write and end');
    if (this.#isEnded) {
      throw new EpollServerError('ERR_ALREADY_ANSWERED', 'this answer has ended: nothing can be added to it');
    }
  }

  #post(message: object): void {
    if (!this.#isGone) this.#port.postMessage(message);
  }
}

/** Checked here, where the application can be told. */
function pairsOf(fields: FieldInput): MessageFields {
  try {
    return fields instanceof PrecompiledFields ? fields.pairs() : precompileFields(fields).pairs();
  } catch (error) {
    throw new EpollServerError('ERR_INVALID_FIELD', messageOf(error), { cause: error });
  }
}

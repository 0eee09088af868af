// An answer that another thread gives to its client: what a worker's handler writes to. Framing and its rules are
// the other thread's. It must not know what the handler is.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ProtocolFactory } from '../../connection/channel.ts';
import {
  answeredBefore,
  BODY_UNREAD,
  checked,
  checkedFields,
  checkedInterim,
  checkedReason,
  checkedTrailers,
  endedBefore,
  invalidBody,
  notSent,
  notStarted,
  upgradeRefused,
} from '../../exchange/misuse.ts';
import { type FieldInput, pairsOf } from '../../http/fields.ts';
import { CANNOT_SEND_FILE, type FileReceipt, type HttpResponse } from '../../http/handler.ts';
import { upgradeProblem } from '../../http/upgrade.ts';
import type { FromWorker, Thrown, ToWorker } from './messages.ts';
import { exactBytes, messageWeight } from './piece.ts';
import { RemoteChannel } from './remote-channel.ts';
import type { RemoteRequest } from './remote-request.ts';
import { revived, thrownOf } from './thrown.ts';

/** Written and not yet taken by the client: as much as the outbox of a connection holds by default. */
const WINDOW_BYTES = 65_536;

/** A handler that writes without waiting for the client is stopped within `write` when so much is not taken. */
const MAX_UNTAKEN_BYTES = 4 * WINDOW_BYTES;

export class RemoteResponse implements HttpResponse {
  readonly #port: MessagePort;
  readonly #request: RemoteRequest;
  #reason: string | undefined = undefined;
  #isStarted = false;
  #isEnded = false;
  #isGone = false;
  #writtenWeight = 0;
  #takenWeight = 0;
  #waiters: (() => void)[] = [];
  /** Resolves {@link over}, once that was asked for. */
  #onOver: (() => void) | null = null;
  #sentCallbacks: ((error?: Error) => void)[] = [];
  /** The other thread is done with this request: no message comes any more. */
  #isPortClosed = false;

  constructor(port: MessagePort, request: RemoteRequest) {
    this.#port = port;
    this.#request = request;
  }

  get reasonPhrase(): string | undefined {
    return this.#reason;
  }

  set reasonPhrase(text: string | undefined) {
    this.#assertFresh();
    this.#reason = checkedReason(text);
  }

  inform(status: number, fields: FieldInput = []): void {
    this.#assertFresh();
    this.#post({ type: 'inform', status, fields: checkedInterim(status, fields).pairs() });
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
    this.#assertFresh();
    const pairs = checked(status, fields).pairs();
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) throw invalidBody(content);
    this.#isStarted = true;
    this.#isEnded = true;
    this.#post({ type: 'send', status, reason: this.#reason, fields: pairs, content: exactBytes(content) });
    this.#onOver?.();
  }

  start(status: number, fields: FieldInput = []): void {
    this.#assertFresh();
    const pairs = checked(status, fields).pairs();
    this.#isStarted = true;
    this.#post({ type: 'start', status, reason: this.#reason, fields: pairs });
  }

  write(content: string | Uint8Array): boolean {
    this.#assertWritable();
    if (typeof content !== 'string' && !(content instanceof Uint8Array)) throw invalidBody(content);
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

  /** The connection is another thread's: read and write instead. */
  writeFile(_descriptor: number, _position: number, _length: number, receipt: FileReceipt): void {
    receipt.onSent(CANNOT_SEND_FILE);
  }

  end(content?: string | Uint8Array, trailers: FieldInput = []): void {
    if (!this.#isStarted) throw notStarted();
    checkedTrailers(trailers);
    if (content !== undefined) this.write(content);
    else this.#assertWritable();
    this.#isEnded = true;
    this.#post({ type: 'end', trailers: [...pairsOf(trailers)] });
    this.#onOver?.();
  }

  whenSent(callback: (error?: Error) => void): void {
    if (this.#isPortClosed || (this.#isGone && !this.#isEnded)) {
      this.#callBack(callback, notSent());
      return;
    }
    this.#sentCallbacks.push(callback);
    if (this.#sentCallbacks.length === 1) this.#post({ type: 'whenSent' });
  }

  #tellSent(error: Error | undefined): void {
    const callbacks = this.#sentCallbacks;
    this.#sentCallbacks = [];
    for (const callback of callbacks) this.#callBack(callback, error);
  }

  /** What a callback throws is reported where the connection is: the thread has other connections and callbacks. */
  #callBack(callback: (error?: Error) => void, error: Error | undefined): void {
    try {
      callback(error);
    } catch (thrown) {
      this.#port.postMessage({ type: 'callbackFailed', thrown: thrownOf(thrown) } satisfies FromWorker);
    }
  }

  #sent(thrown: Thrown | null): void {
    this.#tellSent(thrown === null ? undefined : revived(thrown));
    this.#port.postMessage({ type: 'called' } satisfies FromWorker);
  }

  /** The connection's protocol runs in this thread, and outlives the request. */
  upgrade(fields: FieldInput, make: ProtocolFactory): void {
    this.#assertFresh();
    if (typeof make !== 'function')
      throw upgradeRefused('its second argument must be a function that makes a protocol');
    const prepared = checkedFields(fields);
    if (this.#isGone) return;
    const problem = this.#request.body.isRead ? upgradeProblem(this.#request, prepared) : BODY_UNREAD;
    if (problem !== '') throw upgradeRefused(problem);
    this.#isStarted = true;
    this.#isEnded = true;
    const { port1, port2 } = new MessageChannel();
    this.#post({ type: 'upgrade', reason: this.#reason, fields: prepared.pairs(), port: port1 }, [port1]);
    new RemoteChannel(port2, this.#request).speak(make);
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
      if (!this.#isEnded) this.#tellSent(notSent());
    } else {
      if (message.type === 'sent') this.#sent(message.thrown);
      return;
    }
    if (this.#untakenWeight >= WINDOW_BYTES && !this.#isGone) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  portClosed(): void {
    this.#isPortClosed = true;
    this.#tellSent(notSent());
  }

  #assertFresh(): void {
    if (this.#isStarted) throw answeredBefore();
  }

  #assertWritable(): void {
    if (!this.#isStarted) throw notStarted();
    if (this.#isEnded) throw endedBefore();
  }

  #post(message: FromWorker, transferred: readonly MessagePort[] = []): void {
    if (!this.#isGone) this.#port.postMessage(message, transferred);
  }
}

// The response that a handler in a worker thread writes to. The loop's thread does the framing and checks its rules.

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

/** Output not yet received by the client: as much as the outbox of a connection holds by default. */
const WINDOW_BYTES = 65_536;

/** When a handler writes without waiting for the client, `write` blocks at this much unsent output. */
const MAX_UNSENT_BYTES = 4 * WINDOW_BYTES;

export class RemoteResponse implements HttpResponse {
  readonly #port: MessagePort;
  readonly #request: RemoteRequest;
  #reason: string | undefined = undefined;
  #isStarted = false;
  #isEnded = false;
  #isGone = false;
  #writtenWeight = 0;
  #deliveredWeight = 0;
  #waiters: (() => void)[] = [];
  /** Resolves {@link over}, once that was called. */
  #onOver: (() => void) | null = null;
  #sentCallbacks: ((error?: Error) => void)[] = [];
  /** The loop's thread has finished this request: no message follows. */
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

  get #undeliveredWeight(): number {
    return this.#writtenWeight - this.#deliveredWeight;
  }

  /** Resolves when the response is complete, or cannot be completed any more. */
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
    if (this.#undeliveredWeight >= MAX_UNSENT_BYTES) this.#stall();
    this.#writtenWeight += messageWeight(content);
    this.#post({ type: 'write', content: exactBytes(content) });
    return this.#undeliveredWeight < WINDOW_BYTES;
  }

  /** Blocks this thread, whose one request waits for its client. No message can be received meanwhile. */
  #stall(): void {
    const gate = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.#post({ type: 'stalled', gate });
    Atomics.wait(gate, 0, 0);
    this.#deliveredWeight = this.#writtenWeight;
  }

  drained(): Promise<void> {
    if (this.ended || this.#undeliveredWeight < WINDOW_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The socket belongs to another thread: the caller has to read the file and write its bytes. */
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

  #callSent(error: Error | undefined): void {
    const callbacks = this.#sentCallbacks;
    this.#sentCallbacks = [];
    for (const callback of callbacks) this.#callBack(callback, error);
  }

  /** An error of a callback is reported by the connection's thread: this thread has other connections and callbacks. */
  #callBack(callback: (error?: Error) => void, error: Error | undefined): void {
    try {
      callback(error);
    } catch (thrown) {
      this.#port.postMessage({ type: 'callbackFailed', thrown: thrownOf(thrown) } satisfies FromWorker);
    }
  }

  #sent(thrown: Thrown | null): void {
    this.#callSent(thrown === null ? undefined : revived(thrown));
    this.#port.postMessage({ type: 'called' } satisfies FromWorker);
  }

  /** The protocol of the connection runs in this thread, and outlives the request. */
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
    if (message.type === 'delivered') this.#deliveredWeight = Math.max(this.#deliveredWeight, message.weight);
    else if (message.type === 'gone') {
      this.#isGone = true;
      this.#onOver?.();
      if (!this.#isEnded) this.#callSent(notSent());
    } else {
      if (message.type === 'sent') this.#sent(message.thrown);
      return;
    }
    if (this.#undeliveredWeight >= WINDOW_BYTES && !this.#isGone) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  portClosed(): void {
    this.#isPortClosed = true;
    this.#callSent(notSent());
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

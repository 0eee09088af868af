// The loop's end of a protocol that runs in a worker thread: relays events and bytes as messages. Bytes are bounded in
// both directions.

import type { MessagePort } from 'node:worker_threads';
import type { Channel } from '../../connection/channel.ts';
import type { Protocol } from '../../connection/protocol.ts';
import type { FromChannel, ToChannel } from './messages.ts';
import { INPUT_BATCH, INPUT_WINDOW_BYTES, messageWeight } from './piece.ts';
import { revived } from './thrown.ts';

export class RelayedProtocol implements Protocol {
  readonly paused = false;
  /** The thread's state is unknown here, so an abrupt end counts as a possible loss of data. */
  readonly isBusy = true;
  readonly #channel: Channel;
  readonly #port: MessagePort;
  /** Input that the protocol has not used yet. */
  #unusedBytes = 0;
  /** Input messages that the thread has not acknowledged. */
  #inputsUnderWay = 0;
  #writtenWeight = 0;
  #isEnding = false;
  #hasEnded = false;
  #isClosed = false;

  constructor(channel: Channel, port: MessagePort) {
    this.#channel = channel;
    this.#port = port;
    port.on('message', (message: FromChannel) => this.#perform(message));
    port.on('close', () => this.#threadEnded());
  }

  get wantsInput(): boolean {
    const hasRoom = this.#unusedBytes < INPUT_WINDOW_BYTES && this.#inputsUnderWay < 2 * INPUT_BATCH;
    return this.#channel.isOpen && hasRoom;
  }

  receive(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + INPUT_WINDOW_BYTES - this.#unusedBytes);
    const copy = new Uint8Array(bytes.subarray(start, stop));
    this.#unusedBytes += copy.length;
    this.#inputsUnderWay++;
    this.#post({ type: 'input', bytes: copy }, [copy.buffer]);
    return stop;
  }

  ending(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#post({ type: 'ending' });
  }

  ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#post({ type: 'ended' });
  }

  drained(): void {
    this.#post({ type: 'delivered', weight: this.#writtenWeight });
  }

  /** Time-outs of the protocol run in its thread. */
  expired(): void {}

  stop(): void {
    this.#post({ type: 'stop' });
  }

  refuse(status: number, why: string): void {
    this.#post({ type: 'refuse', status, why });
  }

  aborted(reason: string, isTimeout: boolean): void {
    this.#post({ type: 'aborted', reason, isTimeout });
  }

  closed(): void {
    this.#isClosed = true;
    this.#post({ type: 'closed' });
    this.#port.close();
  }

  #perform(message: FromChannel): void {
    if (this.#isClosed) return;
    const channel = this.#channel;
    if (message.type === 'write') this.#write(message.bytes);
    else if (message.type === 'used') this.#used(message.bytes);
    else if (message.type === 'received') this.#received();
    else if (message.type === 'whenSent') this.#awaitSent(message.id);
    else if (message.type === 'replacePeer') channel.replacePeer(message.peer);
    else if (message.type === 'finish') channel.finish(message.unread);
    else if (message.type === 'abort') channel.abort(message.reason, message.isTimeout);
    else this.#fail(revived(message.thrown));
  }

  #write(bytes: Uint8Array): void {
    this.#writtenWeight += messageWeight(bytes);
    this.#channel.write(bytes);
    if (!this.#channel.isFull) this.drained();
  }

  #used(bytes: number): void {
    this.#unusedBytes -= bytes;
    this.#channel.resume();
  }

  #received(): void {
    this.#inputsUnderWay -= INPUT_BATCH;
    this.#channel.resume();
  }

  #awaitSent(id: number): void {
    this.#channel.whenSent((isSent) => this.#post({ type: 'sent', id, isSent }));
  }

  /** A connection fails if its next protocol cannot be created: one log line, as for any protocol. */
  #fail(error: Error): void {
    this.#channel.speak(() => {
      throw error;
    });
  }

  #threadEnded(): void {
    if (!this.#isClosed) this.#channel.abort('the thread of its protocol has ended');
  }

  #post(message: ToChannel, transferred: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transferred);
  }
}

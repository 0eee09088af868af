// The channel of a protocol that runs in a worker thread: the connection is at the other end of a port. It buffers
// input that the protocol has not used, as a connection does, and bounds the output.

import { constants } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { Channel, ChannelAttachment, ProtocolFactory } from '../../connection/channel.ts';
import { Inbox } from '../../connection/inbox.ts';
import type { FileSendCallback } from '../../connection/output.ts';
import type { Protocol } from '../../connection/protocol.ts';
import type { Endpoint, TlsConnection } from '../../http/handler.ts';
import type { FromChannel, ToChannel } from './messages.ts';
import { INPUT_BATCH, INPUT_WINDOW_BYTES, messageWeight } from './piece.ts';
import { thrownOf } from './thrown.ts';

/** The channel is full when this much output is not yet received by the client. */
const WINDOW_BYTES = 65_536;

/** If a protocol keeps writing to a full channel, its connection is closed at this much unsent output. */
const MAX_UNSENT_BYTES = 1_048_576;

/** How many protocols may replace each other without using a byte. */
const MAX_SWITCHES = 8;

/** The {@link Protocol} events that carry no value. */
type ProtocolEvent = 'ending' | 'ended' | 'drained' | 'expired' | 'stop' | 'closed';

/** The addresses of the connection, from the request. */
interface Endpoints {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly scheme: 'http' | 'https';
  readonly tls: TlsConnection | null;
}

export class RemoteChannel implements Channel {
  readonly local: Endpoint;
  readonly isSecure: boolean;
  readonly tls: TlsConnection | null;
  /** Neither finished nor closed. */
  isOpen = true;
  peerEnded = false;
  isEnding = false;
  attachment: ChannelAttachment | null = null;
  target: Buffer = Buffer.alloc(0);
  #peer: Endpoint;
  readonly #port: MessagePort;
  /** Null: it has failed, or there is none yet. */
  #protocol: Protocol | null = null;
  #isClosed = false;
  /** The client finished sending: {@link peerEnded} is called when the protocol has used its bytes. */
  #hasInputEnded = false;
  /** The server is closing, which later protocols of this channel need to know. */
  #isStopping = false;
  #inbox: Inbox | null = null;
  #receivedBytes = 0;
  #inputs = 0;
  #sentBytes = 0;
  #writtenWeight = 0;
  #deliveredWeight = 0;
  #timer: NodeJS.Timeout | null = null;
  #turn: NodeJS.Immediate | null = null;
  readonly #sentCallbacks = new Map<number, (isSent: boolean) => void>();
  #lastId = 0;

  constructor(port: MessagePort, { remote, local, scheme, tls }: Endpoints) {
    this.#port = port;
    this.#peer = remote;
    this.local = local;
    this.isSecure = scheme === 'https';
    this.tls = tls;
    port.on('message', (message: ToChannel) => this.#receive(message));
    port.on('close', () => this.#lose('the connection was closed', false));
  }

  get peer(): Endpoint {
    return this.#peer;
  }

  replacePeer({ address, port }: Endpoint): void {
    this.#peer = Object.freeze({ address, port });
    this.#post({ type: 'replacePeer', peer: { address, port } });
  }

  get isNegotiated(): boolean {
    return this.tls !== null;
  }

  /** The addresses came with the request. */
  captureAddresses(): void {}

  /** Bytes since the upgrade: received by this thread, written by it. */
  get transferred(): readonly [number, number] {
    return [this.#receivedBytes, this.#sentBytes];
  }

  // ---- Output -----------------------------------------------------------------------------------

  get #undeliveredWeight(): number {
    return this.#writtenWeight - this.#deliveredWeight;
  }

  get hasPendingOutput(): boolean {
    return this.#undeliveredWeight > 0;
  }

  get unsentBytes(): number {
    return this.#undeliveredWeight;
  }

  get isFull(): boolean {
    return this.#undeliveredWeight >= WINDOW_BYTES;
  }

  reserve(size: number): number {
    this.target = Buffer.allocUnsafe(size);
    return 0;
  }

  commit(end: number): void {
    this.write(this.target.subarray(0, end));
  }

  write(bytes: Uint8Array): void {
    if (this.#isClosed || bytes.length === 0) return;
    if (this.#undeliveredWeight >= MAX_UNSENT_BYTES) {
      this.abort('its protocol kept writing though the client did not read');
      return;
    }
    this.#writtenWeight += messageWeight(bytes);
    this.#sentBytes += bytes.length;
    const copy = new Uint8Array(bytes);
    this.#post({ type: 'write', bytes: copy }, [copy.buffer]);
  }

  whenSent(callback: (isSent: boolean) => void): void {
    if (this.#isClosed) {
      callback(false);
      return;
    }
    this.#lastId++;
    this.#sentCallbacks.set(this.#lastId, callback);
    this.#post({ type: 'whenSent', id: this.#lastId });
  }

  /** The socket belongs to another thread: the caller has to read the file and write its bytes. */
  sendFile(_descriptor: number, _position: number, _length: number, callback: FileSendCallback): void {
    callback.onFileSent(-constants.errno.ENOSYS);
  }

  // ---- Time and turns ---------------------------------------------------------------------------

  setTimeout(ms: number): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = ms === 0 || !this.isOpen ? null : setTimeout(() => this.#notify('expired'), ms);
  }

  wake(): void {
    if (!this.#isClosed) this.#turn ??= setImmediate(() => this.#serve());
  }

  resume(): void {
    if (this.#inbox !== null || this.isEnding) this.wake();
  }

  #serve(): void {
    this.#turn = null;
    this.#offer();
    if (!this.isOpen) return;
    if (this.#hasInputEnded && this.#isOffered) this.peerEnded = true;
    if (this.peerEnded) this.#notify('ended');
    else if (this.isEnding) this.#notify('ending');
  }

  // ---- The protocol -----------------------------------------------------------------------------

  speak(make: ProtocolFactory): void {
    if (this.#isClosed) return;
    const isFirst = this.#protocol === null;
    this.setTimeout(0);
    this.#guard(() => {
      this.#protocol = make(this);
    });
    if (isFirst) return;
    if (this.#isStopping) this.#notify('stop');
    this.resume();
  }

  finish(unread = false): void {
    if (!this.isOpen) return;
    this.setTimeout(0);
    this.isOpen = false;
    this.#post({ type: 'finish', unread });
  }

  /** Only sockets of the Node adapter do this, which is not offloaded. */
  endOutput(): void {
    this.finish(true);
  }

  sendNow(): void {}

  drop(reason: string): void {
    this.abort(reason);
  }

  abort(reason: string, isTimeout = false): void {
    if (this.#isClosed) return;
    this.#post({ type: 'abort', reason, isTimeout });
    this.#lose(reason, isTimeout);
  }

  #receive(message: ToChannel): void {
    // What the loop has sent before it knew of the end.
    if (this.#isClosed) return;
    if (message.type === 'input') this.#input(message.bytes);
    else if (message.type === 'delivered') this.#delivered(message.weight);
    else if (message.type === 'sent') this.#sent(message.id, message.isSent);
    else if (message.type === 'refuse') this.#guard((protocol) => protocol?.refuse(message.status, message.why));
    else if (message.type === 'aborted') this.#notifyAborted(message.reason, message.isTimeout);
    else if (message.type === 'closed') this.#close();
    else if (message.type === 'stop') this.#stop();
    else this.#peerEnding(message.type === 'ended');
  }

  #input(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length;
    this.#inputs++;
    if (this.#inputs % INPUT_BATCH === 0) this.#post({ type: 'received' });
    if (!this.isOpen) return;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (this.#inbox === null) this.#inbox = new Inbox(buffer, 0, buffer.length);
    else this.#inbox.append(buffer, 0, buffer.length);
    this.#serve();
  }

  #delivered(weight: number): void {
    const wasFull = this.isFull;
    this.#deliveredWeight = Math.max(this.#deliveredWeight, weight);
    if (!this.hasPendingOutput || (wasFull && !this.isFull)) this.#notify('drained');
  }

  #sent(id: number, isSent: boolean): void {
    const callback = this.#sentCallbacks.get(id);
    this.#sentCallbacks.delete(id);
    this.#guard(() => callback?.(isSent));
  }

  #peerEnding(hasEnded: boolean): void {
    this.isEnding = true;
    this.#hasInputEnded ||= hasEnded;
    this.#serve();
  }

  #stop(): void {
    this.#isStopping = true;
    this.#notify('stop');
  }

  /** The protocol has used all bytes, or waits for more than there are. */
  get #isOffered(): boolean {
    let wantsNew = false;
    this.#guard((protocol) => {
      wantsNew = protocol?.wantsInput === true && !protocol.paused;
    });
    return this.#inbox === null || wantsNew;
  }

  /** Passes buffered input to the protocol, and the rest to the protocols that replace it. */
  #offer(): void {
    for (let switches = 0; this.isOpen && this.#inbox !== null; switches++) {
      const protocol = this.#protocol;
      const used = this.#offerTo(protocol, this.#inbox);
      if (used > 0) {
        switches = 0;
        this.#post({ type: 'used', bytes: used });
      }
      if (this.#protocol === protocol) {
        this.#checkUnused();
        break;
      }
      if (switches === MAX_SWITCHES) this.#fail(new Error('protocols replaced each other without using a byte'));
    }
  }

  /** Returns the number of used bytes. */
  #offerTo(protocol: Protocol | null, inbox: Inbox): number {
    const { start, end, buffer } = inbox;
    let stopped = start;
    this.#guard(() => {
      if (protocol === null || !protocol.wantsInput) return;
      stopped = protocol.receive(buffer, start, end);
      // Written so that NaN is rejected too.
      if (stopped >= start && stopped <= end) return;
      const wrong = stopped;
      stopped = start;
      throw new RangeError(`it stopped at ${wrong} of the bytes from ${start} to ${end}`);
    });
    inbox.start = stopped;
    if (inbox.length === 0) this.#inbox = null;
    return stopped - start;
  }

  /** The input window is full: no input follows before the protocol uses some. */
  #checkUnused(): void {
    const bytes = this.#inbox?.length ?? 0;
    if (bytes < INPUT_WINDOW_BYTES) return;
    this.#guard((protocol) => {
      if (protocol === null || !protocol.wantsInput || protocol.paused) return;
      throw new Error(`it waits for more input with ${bytes} bytes unused (at most ${INPUT_WINDOW_BYTES - 1})`);
    });
  }

  #notify(event: ProtocolEvent): void {
    this.#guard((protocol) => protocol?.[event]());
  }

  /** Calls the protocol. An exception ends its connection only. */
  #guard(call: (protocol: Protocol | null) => void): void {
    try {
      call(this.#protocol);
    } catch (error) {
      this.#fail(error);
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /** The loop's thread reports the error and ends the connection. */
  #fail(error: unknown): void {
    const failed = this.#protocol;
    this.#protocol = null;
    this.#post({ type: 'failed', thrown: thrownOf(error) });
    if (this.#isClosed) return;
    const wasOpen = this.isOpen;
    this.#release();
    try {
      if (wasOpen) failed?.aborted('the protocol failed', false);
      failed?.closed();
    } catch {
      // A failed protocol may throw again in `closed`: the first error was reported.
    }
  }

  #notifyAborted(reason: string, isTimeout: boolean): void {
    this.isOpen = false;
    this.#guard((protocol) => protocol?.aborted(reason, isTimeout));
  }

  /** The connection was closed without a message. */
  #lose(reason: string, isTimeout: boolean): void {
    if (this.#isClosed) return;
    if (this.isOpen) this.#notifyAborted(reason, isTimeout);
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#release();
    this.#notify('closed');
    this.attachment?.channelClosed();
    this.#port.close();
  }

  #release(): void {
    this.#isClosed = true;
    this.isOpen = false;
    this.#inbox = null;
    clearTimeout(this.#timer ?? undefined);
    clearImmediate(this.#turn ?? undefined);
    for (const id of [...this.#sentCallbacks.keys()]) this.#sent(id, false);
  }

  #post(message: FromChannel, transferred: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transferred);
  }
}

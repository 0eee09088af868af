// The channel of a protocol that runs in a thread of the pool: its connection is the loop's, on the other end of a port.
// It keeps what the protocol does not use, as a connection does, and bounds what it writes.

import { constants } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { Channel, ProtocolFactory } from '../../connection/channel.ts';
import { Inbox } from '../../connection/inbox.ts';
import type { FileSendCallback } from '../../connection/output.ts';
import type { Protocol } from '../../connection/protocol.ts';
import type { Endpoint } from '../../http/handler.ts';
import type { FromChannel, ToChannel } from './messages.ts';
import { INPUT_BATCH, INPUT_WINDOW_BYTES, messageWeight } from './piece.ts';
import { thrownOf } from './thrown.ts';

/** Written and not yet taken by the client: from here on the channel is full. */
const WINDOW_BYTES = 65_536;

/** A protocol that writes on though its channel is full loses its connection when so much is not taken. */
const MAX_UNTAKEN_BYTES = 1_048_576;

/** Protocols that may follow each other without using a byte. */
const MAX_SWITCHES = 8;

/** The events of a {@link Protocol} that carry no value. */
type ProtocolEvent = 'ending' | 'ended' | 'drained' | 'expired' | 'stop' | 'closed';

/** What a request knows of its connection. */
interface Endpoints {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly scheme: 'http' | 'https';
}

export class RemoteChannel implements Channel {
  readonly local: Endpoint;
  readonly isSecure: boolean;
  /** Neither finished nor closed. */
  isOpen = true;
  peerEnded = false;
  isEnding = false;
  target: Buffer = Buffer.alloc(0);
  #peer: Endpoint;
  readonly #port: MessagePort;
  /** Null: it has failed, or there is none yet. */
  #protocol: Protocol | null = null;
  #isClosed = false;
  /** The client finished sending: {@link peerEnded} when the protocol has used its bytes. */
  #hasInputEnded = false;
  /** The server is closing: protocols that follow have to know. */
  #isStopping = false;
  #inbox: Inbox | null = null;
  #receivedBytes = 0;
  #inputs = 0;
  #sentBytes = 0;
  #writtenWeight = 0;
  #takenWeight = 0;
  #timer: NodeJS.Timeout | null = null;
  #turn: NodeJS.Immediate | null = null;
  readonly #sentCallbacks = new Map<number, (isSent: boolean) => void>();
  #lastId = 0;

  constructor(port: MessagePort, { remote, local, scheme }: Endpoints) {
    this.#port = port;
    this.#peer = remote;
    this.local = local;
    this.isSecure = scheme === 'https';
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

  /** They came with the request. */
  captureAddresses(): void {}

  /** Of the bytes that passed since the upgrade: received by this thread, written by it. */
  get transferred(): readonly [number, number] {
    return [this.#receivedBytes, this.#sentBytes];
  }

  // ---- Output -----------------------------------------------------------------------------------

  get #untakenWeight(): number {
    return this.#writtenWeight - this.#takenWeight;
  }

  get hasPendingOutput(): boolean {
    return this.#untakenWeight > 0;
  }

  get isFull(): boolean {
    return this.#untakenWeight >= WINDOW_BYTES;
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
    if (this.#untakenWeight >= MAX_UNTAKEN_BYTES) {
      this.abort('its protocol wrote on though the client did not take what was written');
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

  /** The socket is another thread's: read the file and write it. */
  sendFile(_descriptor: number, _position: number, _length: number, callback: FileSendCallback): void {
    callback.onFileSent(-constants.errno.ENOSYS);
  }

  // ---- Time and turns ---------------------------------------------------------------------------

  setTimeout(ms: number): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = ms === 0 || !this.isOpen ? null : setTimeout(() => this.#tell('expired'), ms);
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
    if (this.peerEnded) this.#tell('ended');
    else if (this.isEnding) this.#tell('ending');
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
    if (this.#isStopping) this.#tell('stop');
    this.resume();
  }

  finish(unread = false): void {
    if (!this.isOpen) return;
    this.setTimeout(0);
    this.isOpen = false;
    this.#post({ type: 'finish', unread });
  }

  abort(reason: string, isTimeout = false): void {
    if (this.#isClosed) return;
    this.#post({ type: 'abort', reason, isTimeout });
    this.#lose(reason, isTimeout);
  }

  #receive(message: ToChannel): void {
    if (message.type === 'input') this.#input(message.bytes);
    else if (message.type === 'taken') this.#taken(message.weight);
    else if (message.type === 'sent') this.#sent(message.id, message.isSent);
    else if (message.type === 'refuse') this.#guard((protocol) => protocol?.refuse(message.status, message.why));
    else if (message.type === 'aborted') this.#tellAborted(message.reason, message.isTimeout);
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

  #taken(weight: number): void {
    const wasFull = this.isFull;
    this.#takenWeight = Math.max(this.#takenWeight, weight);
    if (!this.hasPendingOutput || (wasFull && !this.isFull)) this.#tell('drained');
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
    this.#tell('stop');
  }

  /** The protocol has used all bytes, or waits for more than there are. */
  get #isOffered(): boolean {
    let wantsNew = false;
    this.#guard((protocol) => {
      wantsNew = protocol?.wantsInput === true && !protocol.paused;
    });
    return this.#inbox === null || wantsNew;
  }

  /** Gives what is kept to the protocol, and the rest to those that follow it. */
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

  /** Returns the bytes that were used. */
  #offerTo(protocol: Protocol | null, inbox: Inbox): number {
    const { start, end, buffer } = inbox;
    let stopped = start;
    this.#guard(() => {
      if (protocol === null || !protocol.wantsInput) return;
      stopped = protocol.receive(buffer, start, end);
      // Written so that NaN is refused too.
      if (stopped >= start && stopped <= end) return;
      const wrong = stopped;
      stopped = start;
      throw new RangeError(`it stopped at ${wrong} of the bytes from ${start} to ${end}`);
    });
    inbox.start = stopped;
    if (inbox.length === 0) this.#inbox = null;
    return stopped - start;
  }

  /** No more input comes before some is used. */
  #checkUnused(): void {
    const bytes = this.#inbox?.length ?? 0;
    if (bytes < INPUT_WINDOW_BYTES) return;
    this.#guard((protocol) => {
      if (protocol === null || !protocol.wantsInput || protocol.paused) return;
      throw new Error(`it wants more, and left ${bytes} bytes unused (at most ${INPUT_WINDOW_BYTES - 1})`);
    });
  }

  #tell(event: ProtocolEvent): void {
    this.#guard((protocol) => protocol?.[event]());
  }

  /** Calls the protocol, whose faults end its own connection. */
  #guard(call: (protocol: Protocol | null) => void): void {
    try {
      call(this.#protocol);
    } catch (error) {
      this.#fail(error);
    }
  }

  // ---- The end ----------------------------------------------------------------------------------

  /** The loop reports it, and ends the connection. */
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
      // A protocol that failed may fail again: that has been reported.
    }
  }

  #tellAborted(reason: string, isTimeout: boolean): void {
    this.isOpen = false;
    this.#guard((protocol) => protocol?.aborted(reason, isTimeout));
  }

  /** The connection is gone, and did not say so. */
  #lose(reason: string, isTimeout: boolean): void {
    if (this.#isClosed) return;
    if (this.isOpen) this.#tellAborted(reason, isTimeout);
    this.#close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#release();
    this.#tell('closed');
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

// One request on a connection to an upstream that speaks uwsgi: sends the request, and parses the response, which is plain
// HTTP/1. The upstream closes behind it.

import type { OutgoingChannel } from '../connection/outgoing-connection.ts';
import type { Protocol } from '../connection/protocol.ts';
import { countText } from '../count-text.ts';
import { messageOf } from '../errors.ts';
import { ChunkedDecoder } from '../http/chunked-decoder.ts';
import { type ContentFraming, ResponseParser } from '../http/response-parser.ts';
import type { RequestContent } from './request-content.ts';
import type { UpstreamFailure, UpstreamPhase } from './upstream-failure.ts';

/** Heads of interim responses included. */
const HEAD_LIMITS = { maxHeadBytes: 65_536, maxFields: 500 };

const CHUNKED_LIMITS = { maxBodyBytes: Number.MAX_SAFE_INTEGER, maxHeaderBytes: 16_384, maxFields: 500 };

const SWITCHING_PROTOCOLS = 101;

/** What becomes of a response. */
export interface ResponseReceiver {
  /** Whether more content can be received. */
  readonly hasRoom: boolean;
  /** The request is one of HEAD. */
  readonly isHead: boolean;
  /** Bytes of the response came. */
  progressed(): void;
  /** The head of an interim response, from 100 to 199. */
  interim(head: ResponseParser): void;
  /** The head of the response. False: its content does not come on this connection, which the receiver cancels. */
  head(head: ResponseParser): boolean;
  /** Content, which is valid during the call. */
  content(bytes: Buffer, start: number, end: number): void;
  /** The response is complete. `excessBytes` came behind it. */
  complete(excessBytes: number): void;
  /** There is no response, or not all of it. */
  failed(failure: UpstreamFailure): void;
}

export class UwsgiProtocol implements Protocol {
  readonly paused = false;
  readonly isBusy = true;
  readonly #channel: OutgoingChannel;
  readonly #receiver: ResponseReceiver;
  readonly #parser = new ResponseParser(HEAD_LIMITS);
  #decoder: ChunkedDecoder | null = null;
  /** Null: the head is incomplete. */
  #framing: ContentFraming | null = null;
  /** Bytes that remain of a declared length. */
  #leftBytes = 0;
  #hasBegun = false;
  /** The content does not come on this connection. */
  #isElsewhere = false;
  #isOver = false;
  /** Ends the wait of the sender for room. */
  #onDrained: (() => void) | null = null;

  /** `packet` is sent first, then `content`, unless it is in the packet. */
  constructor(channel: OutgoingChannel, packet: Buffer, content: RequestContent | null, receiver: ResponseReceiver) {
    this.#channel = channel;
    this.#receiver = receiver;
    channel.write(packet);
    if (content !== null) void this.#send(content);
  }

  get wantsInput(): boolean {
    return !this.#isOver && this.#receiver.hasRoom;
  }

  /** Closes the connection: the response is not needed any more. */
  cancel(): void {
    this.#end();
  }

  receive(bytes: Buffer, start: number, end: number): number {
    if (end > start) {
      this.#hasBegun = true;
      this.#receiver.progressed();
    }
    let at = start;
    while (this.#framing === null && !this.#isOver) {
      at = this.#parser.parse(bytes, at, end);
      if (this.#parser.problem !== '') this.#refuse(this.#parser.problem);
      else if (!this.#parser.isDone) return at;
      else this.#headReceived(this.#parser);
    }
    return this.#isOver || this.#isElsewhere ? end : this.#content(bytes, at, end);
  }

  #headReceived(head: ResponseParser): void {
    if (head.status === SWITCHING_PROTOCOLS || head.status > 599) {
      this.#refuse(`its status is ${head.status}`);
    } else if (head.status < 200) {
      this.#receiver.interim(head);
      head.next();
    } else {
      this.#begin(head, head.framing(this.#receiver.isHead));
    }
  }

  #begin(head: ResponseParser, framing: ContentFraming): void {
    this.#framing = framing;
    this.#leftBytes = framing === 'length' ? head.contentLength : 0;
    if (framing === 'chunked') this.#decoder = new ChunkedDecoder(CHUNKED_LIMITS);
    this.#isElsewhere = !this.#receiver.head(head) && !this.#isOver;
  }

  #content(bytes: Buffer, start: number, end: number): number {
    let at = end;
    if (this.#framing === 'chunked') at = this.#chunks(bytes, start, end);
    else if (this.#framing === 'close') this.#receiver.content(bytes, start, end);
    else {
      at = Math.min(end, start + this.#leftBytes);
      this.#leftBytes -= at - start;
      if (at > start) this.#receiver.content(bytes, start, at);
    }
    if (!this.#isOver && this.#isComplete) this.#complete(this.#framing === 'none' ? 0 : end - at);
    return end;
  }

  #chunks(bytes: Buffer, start: number, end: number): number {
    const decoder = this.#decoder;
    if (decoder === null) return end;
    const at = decoder.decode(bytes, start, end, (from, to) => this.#receiver.content(bytes, from, to));
    if (decoder.status !== 0) this.#fail(502, 'body', decoder.problem);
    return at;
  }

  /** Whether its framing shows that the response is complete. */
  get #isComplete(): boolean {
    if (this.#framing === 'chunked') return this.#decoder?.ended === true;
    return this.#framing !== 'close' && this.#leftBytes === 0;
  }

  #complete(excessBytes: number): void {
    this.#end();
    this.#receiver.complete(excessBytes);
  }

  ending(): void {}

  /** The upstream has closed the connection. */
  ended(): void {
    if (this.#isOver || this.#isElsewhere) return;
    if (this.#framing === 'close') this.#complete(0);
    else if (!this.#hasBegun) this.#lost(this.#channel.sendError || 'it closed the connection');
    else if (this.#framing === null) this.#fail(502, 'first byte', 'its head is cut off');
    else this.#fail(502, 'body', this.#missing);
  }

  get #missing(): string {
    return this.#framing === 'length'
      ? `its content is ${countText(this.#leftBytes, 'byte')} shorter than its Content-Length`
      : 'its content ends in the middle of a chunk';
  }

  drained(): void {
    this.#onDrained?.();
    this.#onDrained = null;
  }

  expired(): void {}

  stop(): void {}

  refuse(): void {}

  aborted(reason: string): void {
    if (this.#isOver || this.#isElsewhere) return;
    if (this.#hasBegun) this.#fail(502, this.#framing === null ? 'first byte' : 'body', reason);
    else this.#lost(reason);
  }

  closed(): void {
    this.#isOver = true;
    this.drained();
  }

  /** What the upstream has not done yet. */
  get phase(): UpstreamPhase {
    if (this.#hasBegun) return this.#framing === null ? 'first byte' : 'body';
    const [, sentBytes] = this.#channel.transferred;
    if (sentBytes === 0) return 'connect';
    return this.#channel.hasPendingOutput || this.#onDrained !== null ? 'send' : 'first byte';
  }

  /** The connection is lost before a byte of the response came. */
  #lost(why: string): void {
    const { phase } = this;
    this.#end();
    this.#receiver.failed({ status: 502, phase, why, isUnanswered: true });
  }

  #refuse(problem: string): void {
    this.#fail(502, 'first byte', problem);
  }

  #fail(status: UpstreamFailure['status'], phase: UpstreamPhase, why: string): void {
    this.#end();
    this.#receiver.failed({ status, phase, why });
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#channel.drop('its response is over');
  }

  /** Sends the content, as fast as the upstream reads it. An upstream that has answered need not read it. */
  async #send(content: RequestContent): Promise<void> {
    try {
      for (let at = 0; !this.#isOver; ) {
        const piece = await content.read(at);
        if (piece === null || this.#isOver) return;
        this.#channel.write(piece);
        at += piece.length;
        if (this.#channel.isFull) await new Promise<void>((resolve) => (this.#onDrained = resolve));
      }
    } catch (error) {
      if (!this.#isOver) this.#fail(502, 'send', `the content of the request is lost: ${messageOf(error)}`);
    }
  }
}

// One request that an upstream handles: waits for a place, sends the request, and relays the response. Failures become
// 502, 503 or 504, and one line of the error log.

import { getSystemErrorName } from 'node:util';
import type { OutgoingChannel } from '../connection/outgoing-connection.ts';
import { countText } from '../count-text.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import { sendError } from '../http/error-response.ts';
import { type PrecompiledFields, precompileFields } from '../http/fields.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { endToEndFields } from '../http/hop-by-hop.ts';
import { limitProblem } from '../http/limit-problem.ts';
import type { ResponseParser } from '../http/response-parser.ts';
import { reasonPhrase } from '../http/status.ts';
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC } from '../kernel/errno.ts';
import { relieveDescriptors } from '../kernel/spare-descriptors.ts';
import { Deadline, type DeadlineOwner } from '../reactor/deadline.ts';
import type { RequestContent } from './request-content.ts';
import { ResponseSender, type SenderEvents } from './response-sender.ts';
import type { Applicant, Upstream } from './upstream.ts';
import type { UpstreamFailure } from './upstream-failure.ts';
import { type ResponseReceiver, UwsgiProtocol } from './uwsgi-protocol.ts';
import { filePlaceOf, SENDFILE_FIELD, type WorkerFiles } from './worker-file.ts';

/** A request may be sent twice without another effect (RFC 9110 section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']);

/** This process or machine has no room for a connection. */
const LACKS: ReadonlySet<number> = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC]);

/** Interim responses of one request. */
const MAX_INTERIM = 16;

const CONTINUE = 100;

const SENTENCES = {
  502: 'The application behind this server did not answer properly.',
  503: 'The application behind this server has too many requests right now.',
  504: 'The application behind this server did not answer in time.',
} as const;

const TEXTS = { 502: 'Bad Gateway\n', 503: 'Service Unavailable\n', 504: 'Gateway Timeout\n' } as const;

const RETRY_AFTER = 'Retry-After: 1\r\n';

export class Relay implements Applicant, ResponseReceiver, SenderEvents, DeadlineOwner {
  readonly isHead: boolean;
  readonly #upstream: Upstream;
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  /** Null: it is not needed any more. A slow client keeps this object, and must not keep the request too. */
  #packet: Buffer | null;
  /** Null: it is in the packet, or there is none. */
  #content: RequestContent | null;
  readonly #deadline: Deadline = new Deadline(this);
  #channel: OutgoingChannel | null = null;
  #protocol: UwsgiProtocol | null = null;
  #sender: ResponseSender | null = null;
  #interims = 0;
  #hasRetried = false;
  #hasPlace = false;
  /** The upstream has done its part, or there is a failure. */
  #isOver = false;

  constructor(
    upstream: Upstream,
    request: HttpRequest,
    response: HttpResponse,
    packet: Buffer,
    content: RequestContent | null,
  ) {
    this.isHead = request.method === 'HEAD';
    this.#upstream = upstream;
    this.#request = request;
    this.#response = response;
    this.#packet = packet;
    this.#content = content;
  }

  start(): void {
    this.#request.whenGone(() => this.#cancel());
    if (this.#isOver) return;
    this.#request.whenLate?.(() => this.expire());
    if (this.#upstream.apply(this)) return;
    const { maxUpstreamQueue } = this.#upstream.context.limits;
    const why = limitProblem('too many requests wait', 'maxUpstreamQueue', maxUpstreamQueue);
    this.failed({ status: 503, phase: 'queue', why });
  }

  placeFree(): void {
    this.#hasPlace = true;
    this.#connect();
  }

  #connect(): void {
    const packet = this.#packet;
    if (packet === null) return;
    const { outgoing } = this.#upstream.context;
    const result = outgoing.connect(this.#upstream.address, (channel) => {
      this.#channel = channel;
      this.#protocol = new UwsgiProtocol(channel, packet, this.#content, this);
      return this.#protocol;
    });
    if (typeof result === 'number') this.#notConnected(result);
  }

  #notConnected(result: number): void {
    if (result === EAGAIN) {
      this.#hasPlace = false;
      this.#upstream.postpone(this);
    } else if (LACKS.has(result) && relieveDescriptors()) {
      this.#connect();
    } else {
      const status = LACKS.has(result) ? 503 : 502;
      this.failed({ status, phase: 'connect', why: getSystemErrorName(result) });
    }
  }

  // ---- The response -----------------------------------------------------------------------------

  get hasRoom(): boolean {
    return this.#sender === null || this.#sender.hasRoom;
  }

  roomForMore(): void {
    this.#channel?.resume();
    this.progressed();
  }

  /** Silence counts from now on. */
  progressed(): void {
    if (this.#sender === null || this.#isOver) return;
    this.#wait(this.#upstream.context.limits.upstreamTimeoutMs);
  }

  interim(head: ResponseParser): void {
    this.#interims++;
    if (this.#interims > MAX_INTERIM) {
      this.#refuse('it has too many interim responses');
      return;
    }
    const fields = this.#fieldsOf(head);
    // The server has asked the client for its content already.
    if (fields !== null && head.status !== CONTINUE && fields.contentLength < 0) {
      this.#response.inform(head.status, fields);
    }
  }

  head(head: ResponseParser): boolean {
    const fields = this.#fieldsOf(head);
    if (fields === null || this.#response.ended) return true;
    if (head.reason !== '' && head.reason !== reasonPhrase(head.status)) this.#response.reasonPhrase = head.reason;
    const framing = head.framing(this.isHead);
    const length = framing === 'none' ? 0 : framing === 'length' ? head.contentLength : -1;
    const place = head.fields.find(([name]) => name.toLowerCase() === SENDFILE_FIELD);
    const { files } = this.#upstream;
    if (place !== undefined && files !== null && length > 0) {
      void this.#sendFile(files, place[1], head.status, fields);
      return false;
    }
    this.#sender = new ResponseSender(this.#response, this.#upstream.context.space, this);
    this.#sender.begin(head.status, fields, length);
    this.progressed();
    return true;
  }

  /** Sends a file that the worker names. The worker keeps it until it is open here. */
  async #sendFile(files: WorkerFiles, value: string, status: number, fields: PrecompiledFields): Promise<void> {
    try {
      const place = filePlaceOf(value);
      if (place === null) return this.#refuse(`its ${SENDFILE_FIELD} is malformed`);
      const file = await files.open(place.path);
      if (this.#isOver || this.#response.ended) return file.close();
      this.#end();
      this.#response.start(status, fields);
      files.send(this.#response, file, place.range, (error) => this.lostContent(error));
    } catch (error) {
      this.#refuse(messageOf(error));
    }
  }

  /** Null: they are malformed. */
  #fieldsOf(head: ResponseParser): PrecompiledFields | null {
    try {
      const passed = endToEndFields(head.fields).filter(([name]) => name.toLowerCase() !== SENDFILE_FIELD);
      return precompileFields(passed);
    } catch (error) {
      this.#refuse(messageOf(error));
      return null;
    }
  }

  #refuse(why: string): void {
    this.failed({ status: 502, phase: 'first byte', why });
  }

  content(bytes: Buffer, start: number, end: number): void {
    this.#sender?.write(bytes, start, end);
  }

  complete(excessBytes: number): void {
    if (this.#isOver) return;
    if (excessBytes > 0)
      this.#report({ phase: 'body', why: `${countText(excessBytes, 'byte')} behind its content dropped` });
    this.#end();
    this.#sender?.end();
  }

  // ---- Failures ---------------------------------------------------------------------------------

  failed(failure: UpstreamFailure): void {
    if (this.#isOver) return;
    if (failure.isUnanswered === true && !this.#hasRetried && IDEMPOTENT.has(this.#request.method)) {
      this.#hasRetried = true;
      this.#protocol = null;
      this.#connect();
      return;
    }
    this.#report(failure);
    this.#end();
    this.#sender?.close();
    if (this.#response.started) this.#response.abort();
    else this.#answer(failure.status);
  }

  #answer(status: UpstreamFailure['status']): void {
    if (this.#response.ended) return;
    const lines = status === 503 ? { lines: RETRY_AFTER } : {};
    this.#response.reasonPhrase = undefined;
    sendError(this.#request, this.#response, { status, sentence: SENTENCES[status], text: TEXTS[status], ...lines });
  }

  /** The content that waited for the client cannot be read again. */
  lostContent(error: unknown): void {
    this.#report({ phase: 'body', why: `what waited for the client is lost: ${messageOf(error)}` });
    this.#cancel();
    this.#response.abort();
  }

  /** Too much time has passed. An upstream that has to wait for the client is not silent: see roomForMore(). */
  expire(): void {
    if (!this.hasRoom) return;
    const phase = this.#protocol === null ? 'queue' : this.#protocol.phase;
    const [name, ms] = this.#timeout;
    this.failed({ status: 504, phase, why: limitProblem('it took too long', name, ms) });
  }

  get #timeout(): readonly [string, number] {
    const { handlerTimeoutMs, upstreamTimeoutMs } = this.#upstream.context.limits;
    return this.#sender === null ? ['handlerTimeoutMs', handlerTimeoutMs] : ['upstreamTimeoutMs', upstreamTimeoutMs];
  }

  #report({ phase, why }: Pick<UpstreamFailure, 'phase' | 'why'>): void {
    const text = `upstream ${this.#upstream.name} (${phase}): ${why}`;
    this.#upstream.context.onError(new EpollServerError('ERR_UPSTREAM', text), this.#request);
  }

  /** The client is gone. */
  #cancel(): void {
    this.#end();
    this.#sender?.close();
  }

  /** The upstream is not needed any more. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#wait(0);
    this.#upstream.context.outgoing.dropDeadline(this.#deadline);
    this.#protocol?.cancel();
    this.#content?.close();
    this.#packet = this.#content = this.#protocol = this.#channel = null;
    if (this.#hasPlace) this.#upstream.release();
    else this.#upstream.withdraw(this);
  }

  #wait(ms: number): void {
    this.#upstream.context.outgoing.setDeadline(this.#deadline, ms);
  }
}

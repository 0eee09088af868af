// One client of a run: records its requests and the expected responses, and checks the actual ones.

import { reasonPhrase } from '../../http/status.ts';
import type { Random } from '../random.ts';
import type { SimulatedClient } from '../simulated-client.ts';
import type { SimulatedServer } from '../simulated-server.ts';
import { type CheckerName, CheckFailure } from './failure.ts';
import type { ExpectedOutcome, PlannedRequest } from './plan.ts';
import { ResponseReader, type ResponseSink } from './response-reader.ts';
import { Waiting } from './waiting.ts';

const NO_FIELDS: ReadonlyMap<string, string> = new Map();

/** How long a client that sent `Expect: 100-continue` waits for the 100 (RFC 9110 section 10.1.1 leaves it open). */
const CONTINUE_MS = 1_000;

/** If waits of a connection were late by more than this in total, violated deadlines are excused. */
const EXCUSING_JUMP_MS = 400;

/** The expected outcome of one request. */
interface Expectation {
  readonly outcome: ExpectedOutcome;
  readonly isHead: boolean;
}

export class Actor implements ResponseSink {
  readonly index: number;
  readonly behaviour: string;
  readonly random: Random;
  readonly client: SimulatedClient;
  readonly world: SimulatedServer;
  /** The number of sent requests. */
  requests = 0;
  /** The client closed the connection itself, without waiting for remaining responses. */
  hasLeft = false;
  /** It does not read, so lost responses are its own fault. */
  doesNotRead = false;
  /** The server is closing: from here on it may end any connection. */
  isServerClosing = false;
  readonly #expectations: Expectation[] = [];
  readonly #reader: ResponseReader;
  readonly #sizes: Map<string, number>;
  readonly #waiting: Waiting;
  readonly #jumpedMs: number;
  readonly #maxConnections: number;
  #got503 = false;
  #complete = 0;
  #contentAt = 0;
  #comparesContent = true;
  #isContinued = false;
  /** The interim responses of the current response. */
  #hints = 0;
  #trailers: ReadonlyMap<string, string> = NO_FIELDS;
  /** The bytes that must come back after the upgrade; null: no upgrade was requested. */
  #echo: Buffer | null = null;
  #echoed = 0;
  /** The connection must end after the last response. */
  #mustEnd = false;
  #mayEnd = false;
  /** The first broken rule. */
  failure: CheckFailure | null = null;

  /** `sizes` receives the size of each request by its id. Clients beyond `maxConnections` may be rejected. */
  constructor(
    { index, behaviour }: { readonly index: number; readonly behaviour: string },
    random: Random,
    world: SimulatedServer,
    sizes: Map<string, number>,
    maxConnections: number,
  ) {
    this.#sizes = sizes;
    this.#maxConnections = maxConnections;
    this.index = index;
    this.behaviour = behaviour;
    this.random = random;
    this.world = world;
    this.#waiting = new Waiting(world.clock);
    this.client = world.connect();
    if (world.kernel.encryption !== null) this.client.beginHandshake();
    this.#jumpedMs = world.kernel.jumpedMs;
    this.#reader = new ResponseReader(this);
    this.client.onBytes = (bytes) => {
      if (this.failure === null) this.#feed(bytes);
    };
    this.client.onEnd = () => {
      if (this.failure === null) this.#ended();
      this.#wake();
    };
  }

  // ---- Actions ------------------------------------------------------------------------------------

  /** Whether no more bytes can come. */
  get isOver(): boolean {
    return this.client.isOver || this.failure !== null;
  }

  /** The number of complete responses. */
  get answers(): number {
    return this.#complete;
  }

  get isExcused(): boolean {
    return (
      this.isServerClosing ||
      this.hasLeft ||
      this.doesNotRead ||
      this.isRejected ||
      this.client.socket.injectedFault !== '' ||
      this.jumpedMs > EXCUSING_JUMP_MS
    );
  }

  /** Whether it was rejected since there was no room: with 503, or by an immediate end. */
  get isRejected(): boolean {
    const isCutOff = this.client.end === 'reset' && this.#complete === 0 && this.#reader.isBetween;
    return this.#got503 || ((isCutOff || this.doesNotRead) && this.#mayBeRejected);
  }

  get #mayBeRejected(): boolean {
    const { otherConnections, injectedFault } = this.client.socket;
    return otherConnections >= this.#maxConnections || injectedFault !== '';
  }

  /** By how much time has jumped since this client connected. */
  get jumpedMs(): number {
    return this.world.kernel.jumpedMs - this.#jumpedMs;
  }

  readonly sleep = (ms: number): Promise<void> => this.world.clock.sleep(ms);

  /** Adds the next expected response. */
  expect(outcome: ExpectedOutcome, isHead = false): void {
    this.#expectations.push({ outcome, isHead });
  }

  /** Expects an error, as the response to an incomplete or invalid request. */
  expectRefusal(statuses: readonly number[], closes: ExpectedOutcome['closes'] = 'yes'): void {
    this.expect({ kind: 'refused', statuses, content: null, closes });
  }

  /** Sends the first `count` bytes of a request, in `pieces` with pauses if more than one. */
  async send(plan: PlannedRequest, pieces = 1, count: number = plan.bytes.length): Promise<void> {
    this.requests++;
    this.#sizes.set(plan.id, plan.bytes.length);
    this.expect(plan.outcome, plan.isHead);
    if (!plan.awaitsContinue) {
      await this.sendPieces(plan.bytes.subarray(0, count), pieces);
      return;
    }
    const index = this.#expectations.length - 1;
    this.#isContinued = false;
    await this.sendPieces(plan.bytes.subarray(0, plan.headBytes), pieces);
    await this.#until(() => this.#isContinued || this.#complete > index, CONTINUE_MS);
    if (this.#complete <= index) await this.sendPieces(plan.bytes.subarray(plan.headBytes), pieces);
  }

  /** Requests an upgrade to the echo protocol, and sends `echo`; its first `atOnce` bytes go with the request. */
  async upgrade(plan: PlannedRequest, echo: Buffer, atOnce: number): Promise<void> {
    this.#echo = echo;
    await this.send(plan);
    if (atOnce > 0) this.client.send(echo.subarray(0, atOnce));
    await this.answered();
    await this.sendPieces(echo.subarray(atOnce), this.random.between(1, 6));
  }

  /** Waits until all of it came back. */
  echoed(): Promise<void> {
    return this.#until(() => this.#echoed >= (this.#echo?.length ?? 0));
  }

  async sendPieces(bytes: Buffer, pieces: number): Promise<void> {
    const size = Math.max(Math.ceil(bytes.length / pieces), 1);
    for (let at = 0; at < bytes.length && !this.isOver; at += size) {
      if (at > 0) await this.sleep(this.random.below(4));
      this.client.send(bytes.subarray(at, at + size));
    }
  }

  /** Waits until `count` responses came, or none can come any more. */
  answered(count: number = this.#expectations.length): Promise<void> {
    return this.#until(() => this.#complete >= count);
  }

  /** Waits until the server ends the connection. */
  ended(): Promise<void> {
    return this.#until(() => false);
  }

  /** Resets the connection, even with responses pending. */
  leave(): void {
    this.hasLeft = true;
    this.client.reset();
    this.#wake();
  }

  /** Records a broken rule; it ends the run. */
  fail(checker: CheckerName, what: string): void {
    this.failure ??= new CheckFailure(checker, `${this.name}: ${what}`);
    this.#wake();
  }

  get name(): string {
    return `client ${this.index} (${this.behaviour}, port ${this.client.socket.port})`;
  }

  /** Its state, for reports of waits that timed out. */
  get state(): string {
    const { inbound, outbound, inboundEnded } = this.client.socket;
    const bytes = `${inbound.length} bytes unread${inboundEnded ? ' and the end' : ''}, ${outbound.length} unsent`;
    return `${this.name}: ${this.#complete} of ${this.#expectations.length} responses, ${bytes}`;
  }

  // ---- ResponseSink -------------------------------------------------------------------------------

  isHead(): boolean {
    // A rejected client gets its response before its request was read.
    return !this.#got503 && (this.#expectations[this.#complete]?.isHead ?? false);
  }

  interim(status: number, fields: ReadonlyMap<string, string>): void {
    if (status === 100) {
      this.#isContinued = true;
      this.#wake();
      return;
    }
    this.#hints++;
    const id = `${this.index}.`;
    const isOurs = fields.get('link')?.startsWith(`</${id}`) === true;
    if (status !== 103 || !isOurs) this.fail('answers', `an interim response ${status} with ${fields.get('link')}`);
  }

  trailers(fields: ReadonlyMap<string, string>): void {
    this.#trailers = new Map(fields);
  }

  foreign(bytes: Buffer): void {
    const right = this.#echo?.subarray(this.#echoed, this.#echoed + bytes.length);
    if (right === undefined || !right.equals(bytes)) {
      const got = JSON.stringify(bytes.toString('latin1', 0, 40));
      this.fail('answers', `the upgraded protocol sent ${got} near byte ${this.#echoed}`);
    }
    this.#echoed += bytes.length;
    this.#wake();
  }

  head(status: number, fields: ReadonlyMap<string, string>, reason: string): void {
    if (this.#mustEnd) this.fail('answers', `a response ${status} after the last one`);
    const expected = this.#expectations[this.#complete];
    const closes = fields.get('connection') === 'close';
    this.#contentAt = 0;
    if (status === 503 && closes && this.#complete === 0 && this.#mayBeRejected) {
      this.#got503 = true;
      this.#comparesContent = false;
      this.#mustEnd = true;
      return;
    }
    if (expected === undefined) {
      this.fail('answers', `a response ${status} without a request`);
      return;
    }
    const { outcome } = expected;
    const isTimeout = (status === 408 || status === 504) && this.isExcused;
    if (!outcome.statuses.includes(status) && !isTimeout) {
      this.fail('answers', `response ${this.#complete} is ${status}, not ${outcome.statuses.join(' or ')}`);
    }
    this.#comparesContent = outcome.statuses.includes(status);
    if (this.#comparesContent && reason !== (outcome.reason ?? reasonPhrase(status))) {
      this.fail('answers', `response ${this.#complete} has the reason phrase "${reason}"`);
    }
    if (closes && outcome.closes === 'no' && !this.isExcused) this.fail('answers', `response ${this.#complete} closes`);
    this.#mustEnd ||= closes;
    this.#mayEnd ||= outcome.closes !== 'no';
  }

  content(bytes: Buffer): void {
    const expected = this.#expectations[this.#complete]?.outcome.content;
    if (!this.#comparesContent || expected === undefined || expected === null) return;
    const right = expected.subarray(this.#contentAt, this.#contentAt + bytes.length);
    if (!right.equals(bytes)) {
      const got = bytes.toString('latin1', 0, 40);
      this.fail('answers', `response ${this.#complete} has ${JSON.stringify(got)} near byte ${this.#contentAt}`);
    }
    this.#contentAt += bytes.length;
  }

  complete(): void {
    const outcome = this.#expectations[this.#complete]?.outcome;
    if (this.#comparesContent && outcome?.kind === 'cut' && outcome.closes === 'yes') {
      this.fail('answers', `response ${this.#complete} seems complete, but is not`);
    }
    if (
      this.#comparesContent &&
      outcome?.kind === 'whole' &&
      outcome.content !== null &&
      this.#contentAt !== outcome.content.length
    ) {
      const length = outcome.content.length;
      this.fail('answers', `response ${this.#complete} has ${this.#contentAt} bytes of content, not ${length}`);
    }
    if (this.#comparesContent && outcome?.kind === 'whole') this.#checkAround(outcome);
    this.#hints = 0;
    this.#trailers = NO_FIELDS;
    this.#complete++;
    this.#wake();
  }

  /** Checks the interim responses before the response, and the trailers behind it. */
  #checkAround({ hints = 0, trailers = NO_FIELDS }: ExpectedOutcome): void {
    const [got, right] = [this.#trailers, trailers].map((fields) => JSON.stringify([...fields]));
    if (got !== right) this.fail('answers', `response ${this.#complete} has the trailers ${got}, not ${right}`);
    if (this.#hints !== hints) {
      this.fail('answers', `response ${this.#complete} followed ${this.#hints} interim ones, not ${hints}`);
    }
  }

  /** Checks that a request that was sent completely is received, however late the server reads it. */
  checkReceived(): void {
    const { injectedFault, endedUnread } = this.client.socket;
    const isInnocent = !this.isServerClosing && !this.hasLeft && !this.isRejected && injectedFault === '';
    if (endedUnread && isInnocent) this.fail('deadlines', 'ended though its request had come');
  }

  // ---- Checks -------------------------------------------------------------------------------------

  #feed(bytes: Buffer): void {
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.fail('framing', `response ${this.#complete}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Checks that the server had a reason to end the connection. */
  #ended(): void {
    this.checkReceived();
    if (this.isExcused) return;
    const isBetween = this.client.end === 'fin' ? this.#reader.end() : this.#reader.isBetween;
    const next = this.#expectations[this.#complete];
    if (next === undefined && this.#echoed < (this.#echo?.length ?? 0)) {
      this.fail(
        'completeness',
        `the connection ended (${this.client.end}) behind byte ${this.#echoed} of its protocol`,
      );
    }
    if (next === undefined || next.outcome.kind === 'cut' || next.outcome.kind === 'none') return;
    const isAllowed = this.#mayEnd || next.outcome.closes === 'may';
    if (isBetween && isAllowed) return;
    const missing = isBetween ? 'has not come' : `has only ${this.#contentAt} bytes`;
    this.fail('completeness', `the connection ended (${this.client.end}) though response ${this.#complete} ${missing}`);
  }

  #until(condition: () => boolean, limitMs?: number): Promise<void> {
    return this.#waiting.until(() => condition() || this.isOver, limitMs);
  }

  #wake(): void {
    this.#waiting.changed();
  }
}

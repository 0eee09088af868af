// One client of a run: what it sent, what must come back, and whether it did. How it behaves is elsewhere.

import { reasonPhrase } from '../../http/status.ts';
import type { Random } from '../random.ts';
import type { SimulatedClient } from '../simulated-client.ts';
import type { SimulatedServer } from '../simulated-server.ts';
import { AnswerReader, type AnswerSink } from './answer-reader.ts';
import { type CheckerName, CheckFailure } from './failure.ts';
import type { ExpectedOutcome, PlannedRequest } from './plan.ts';
import { Waiting } from './waiting.ts';

const NO_FIELDS: ReadonlyMap<string, string> = new Map();

/** How long a client that expects 100 Continue waits for it (RFC 9110 section 10.1.1 leaves it open). */
const CONTINUE_MS = 1_000;

/** Late waits beyond this, in one connection's life, excuse it from what deadlines then do to it. */
const EXCUSING_JUMP_MS = 400;

/** What stands out for one request. */
interface Expectation {
  readonly outcome: ExpectedOutcome;
  readonly isHead: boolean;
}

export class Actor implements AnswerSink {
  readonly index: number;
  readonly behaviour: string;
  readonly random: Random;
  readonly client: SimulatedClient;
  readonly world: SimulatedServer;
  /** Requests sent so far. */
  requests = 0;
  /** The client ended the connection itself, without waiting for what was owed. */
  hasLeft = false;
  /** It does not read: what it misses is its own fault. */
  isDeaf = false;
  /** The server may end any connection from here on: it is closing. */
  isDismissed = false;
  readonly #expectations: Expectation[] = [];
  readonly #reader: AnswerReader;
  readonly #sizes: Map<string, number>;
  readonly #waiting: Waiting;
  readonly #jumpedMs: number;
  readonly #maxConnections: number;
  #heardNoRoom = false;
  #complete = 0;
  #contentAt = 0;
  #comparesContent = true;
  #isContinued = false;
  /** Of the answer that comes. */
  #hints = 0;
  #trailers: ReadonlyMap<string, string> = NO_FIELDS;
  /** What has to come back once the connection has changed its protocol; null: it is not to. */
  #echo: Buffer | null = null;
  #echoed = 0;
  /** The connection ends with the answer that came last. */
  #mustEnd = false;
  #mayEnd = false;
  /** The first rule that was broken. */
  failure: CheckFailure | null = null;

  /** `sizes` is told how large each request is, by its id; beyond `maxConnections` clients may be turned away. */
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
    this.#jumpedMs = world.kernel.jumpedMs;
    this.#reader = new AnswerReader(this);
    this.client.onBytes = (bytes) => this.#guard(() => this.#feed(bytes));
    this.client.onEnd = () => {
      this.#guard(() => this.#ended());
      this.#wake();
    };
  }

  // ---- Doing ------------------------------------------------------------------------------------

  /** Whether nothing more can come. */
  get isOver(): boolean {
    return this.client.isOver || this.failure !== null;
  }

  /** Answers that came whole. */
  get answers(): number {
    return this.#complete;
  }

  get isExcused(): boolean {
    return (
      this.isDismissed ||
      this.hasLeft ||
      this.isDeaf ||
      this.isTurnedAway ||
      this.client.socket.hurt !== '' ||
      this.jumpedMs > EXCUSING_JUMP_MS
    );
  }

  /** There was no room for it: it heard so, or was cut off at once. */
  get isTurnedAway(): boolean {
    const isCutOff = this.client.end === 'reset' && this.#complete === 0 && this.#reader.isBetween;
    return this.#heardNoRoom || ((isCutOff || this.isDeaf) && this.#foundNoRoom);
  }

  get #foundNoRoom(): boolean {
    const { company, hurt } = this.client.socket;
    return company >= this.#maxConnections || hurt !== '';
  }

  /** By how much time has jumped since this client connected. */
  get jumpedMs(): number {
    return this.world.kernel.jumpedMs - this.#jumpedMs;
  }

  readonly sleep = (ms: number): Promise<void> => this.world.clock.sleep(ms);

  /** What comes next in the order of answers. */
  expect(outcome: ExpectedOutcome, isHead = false): void {
    this.#expectations.push({ outcome, isHead });
  }

  /** Expects an error, as an answer to what is no whole request. */
  expectRefusal(statuses: readonly number[], closes: ExpectedOutcome['closes'] = 'yes'): void {
    this.expect({ kind: 'refused', statuses, content: null, closes });
  }

  /** Sends a request, in `pieces` with pauses when it is more than one; its first `count` bytes. */
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

  /** Asks for the protocol that returns what it gets, and sends it `echo`; the first `atOnce` bytes with the request. */
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

  /** Waits until `count` answers came, or none will any more. */
  answered(count: number = this.#expectations.length): Promise<void> {
    return this.#until(() => this.#complete >= count);
  }

  /** Waits for the end that the server makes. */
  ended(): Promise<void> {
    return this.#until(() => false);
  }

  /** Resets the connection, whatever is owed. */
  leave(): void {
    this.hasLeft = true;
    this.client.reset();
    this.#wake();
  }

  /** Notes a broken rule; the run ends with it. */
  fail(checker: CheckerName, what: string): void {
    this.failure ??= new CheckFailure(checker, `${this.name}: ${what}`);
    this.#wake();
  }

  get name(): string {
    return `client ${this.index} (${this.behaviour}, port ${this.client.socket.port})`;
  }

  /** Where it stands, for who waits in vain. */
  get state(): string {
    const { inbound, outbound, inboundEnded } = this.client.socket;
    const bytes = `${inbound.length} bytes unread${inboundEnded ? ' and the end' : ''}, ${outbound.length} unsent`;
    return `${this.name}: ${this.#complete} of ${this.#expectations.length} answers, ${bytes}`;
  }

  // ---- AnswerSink -------------------------------------------------------------------------------

  isHead(): boolean {
    // Who is turned away is answered before its request was read.
    return !this.#heardNoRoom && (this.#expectations[this.#complete]?.isHead ?? false);
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
    if (status !== 103 || !isOurs) this.fail('answers', `an interim answer ${status} with ${fields.get('link')}`);
  }

  trailers(fields: ReadonlyMap<string, string>): void {
    this.#trailers = new Map(fields);
  }

  foreign(bytes: Buffer): void {
    const right = this.#echo?.subarray(this.#echoed, this.#echoed + bytes.length);
    if (right === undefined || !right.equals(bytes)) {
      const got = JSON.stringify(bytes.toString('latin1', 0, 40));
      this.fail('answers', `another protocol said ${got} near byte ${this.#echoed}`);
    }
    this.#echoed += bytes.length;
    this.#wake();
  }

  head(status: number, fields: ReadonlyMap<string, string>, reason: string): void {
    if (this.#mustEnd) this.fail('answers', `an answer ${status} behind the last one`);
    const expected = this.#expectations[this.#complete];
    const closes = fields.get('connection') === 'close';
    this.#contentAt = 0;
    if (status === 503 && closes && this.#complete === 0 && this.#foundNoRoom) {
      this.#heardNoRoom = true;
      this.#comparesContent = false;
      this.#mustEnd = true;
      return;
    }
    if (expected === undefined) {
      this.fail('answers', `an answer ${status} to nothing`);
      return;
    }
    const { outcome } = expected;
    const isTimeout = (status === 408 || status === 504) && this.isExcused;
    if (!outcome.statuses.includes(status) && !isTimeout) {
      this.fail('answers', `answer ${this.#complete} is ${status}, not ${outcome.statuses.join(' or ')}`);
    }
    this.#comparesContent = outcome.statuses.includes(status);
    if (this.#comparesContent && reason !== (outcome.reason ?? reasonPhrase(status))) {
      this.fail('answers', `answer ${this.#complete} has the reason phrase "${reason}"`);
    }
    if (closes && outcome.closes === 'no' && !this.isExcused) this.fail('answers', `answer ${this.#complete} closes`);
    this.#mustEnd ||= closes;
    this.#mayEnd ||= outcome.closes !== 'no';
  }

  content(bytes: Buffer): void {
    const expected = this.#expectations[this.#complete]?.outcome.content;
    if (!this.#comparesContent || expected === undefined || expected === null) return;
    const right = expected.subarray(this.#contentAt, this.#contentAt + bytes.length);
    if (!right.equals(bytes)) {
      const got = bytes.toString('latin1', 0, 40);
      this.fail('answers', `answer ${this.#complete} has ${JSON.stringify(got)} near byte ${this.#contentAt}`);
    }
    this.#contentAt += bytes.length;
  }

  complete(): void {
    const outcome = this.#expectations[this.#complete]?.outcome;
    if (this.#comparesContent && outcome?.kind === 'cut' && outcome.closes === 'yes') {
      this.fail('answers', `answer ${this.#complete} looks whole, and is not`);
    }
    if (
      this.#comparesContent &&
      outcome?.kind === 'whole' &&
      outcome.content !== null &&
      this.#contentAt !== outcome.content.length
    ) {
      const length = outcome.content.length;
      this.fail('answers', `answer ${this.#complete} has ${this.#contentAt} bytes of content, not ${length}`);
    }
    if (this.#comparesContent && outcome?.kind === 'whole') this.#checkAround(outcome);
    this.#hints = 0;
    this.#trailers = NO_FIELDS;
    this.#complete++;
    this.#wake();
  }

  /** What stands in front of the answer, and behind its content. */
  #checkAround({ hints = 0, trailers = NO_FIELDS }: ExpectedOutcome): void {
    const [got, right] = [this.#trailers, trailers].map((fields) => JSON.stringify([...fields]));
    if (got !== right) this.fail('answers', `answer ${this.#complete} has the trailers ${got}, not ${right}`);
    if (this.#hints !== hints) {
      this.fail('answers', `answer ${this.#complete} came behind ${this.#hints} interim ones, not ${hints}`);
    }
  }

  /** Who has sent its request is heard, however late it is when the server looks. */
  checkHeard(): void {
    const { hurt, endedUnheard } = this.client.socket;
    const isInnocent = !this.isDismissed && !this.hasLeft && !this.isTurnedAway && hurt === '';
    if (endedUnheard && isInnocent) this.fail('deadlines', 'ended though its request had come');
  }

  // ---- Judging ----------------------------------------------------------------------------------

  #feed(bytes: Buffer): void {
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.fail('framing', `answer ${this.#complete}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The server ended the connection: was that right? */
  #ended(): void {
    this.checkHeard();
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
    this.fail('completeness', `the connection ended (${this.client.end}) though answer ${this.#complete} ${missing}`);
  }

  /** What throws in a callback of the clock belongs to this client. */
  #guard(call: () => void): void {
    if (this.failure === null) call();
  }

  #until(condition: () => boolean, limitMs?: number): Promise<void> {
    return this.#waiting.until(() => condition() || this.isOver, limitMs);
  }

  #wake(): void {
    this.#waiting.changed();
  }
}

// Plays one script on a raw socket and judges the responses. It ends in bounded time, whatever the server does.
import { connect } from 'node:net';
import { DEADLINE_MS } from './bounds.js';
import { Judge } from './judge.js';
import { SECRET } from './test-site.js';

/** How long a valid client waits for its responses; far more than a busy machine needs. */
const STALL_MS = 20_000;
/** A client of hostile bytes closes the connection after this long without data: there may be no response. */
const SILENCE_MS = 400;
/** The bytes that a dripping client reads one by one before it reads the rest at once. */
const DRIPPED_BYTES = 300;

export class Client {
  bytesSent = 0;
  bytesReceived = 0;
  /** The judge of the responses; null until connected. */
  judge = null;
  /** What was wrong; empty when nothing was. */
  problem = '';
  #script;
  #socket;
  #beganMs = performance.now();
  /** When the last bytes were sent; Infinity: others follow. */
  #sentMs = Infinity;
  #timer = null;
  #done = () => {};
  #isOver = false;
  #endedBy = '';
  #byte = Buffer.alloc(1);
  #block = Buffer.alloc(65_536);

  constructor(script, port) {
    this.#script = script;
    const isDripping = script.reading === 'drip';
    const onread = isDripping ? { onread: this.#slowly() } : {};
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true, ...onread });
    this.#socket.on('error', (error) => this.#ended(error.code));
    this.#socket.on('close', () => this.#ended('close'));
    this.#socket.on('end', () => this.#ended('FIN'));
    if (script.reading === 'all') this.#socket.on('data', (bytes) => this.#received(bytes));
    else if (isDripping) this.#socket.on('data', () => {});
  }

  /** Plays the script to its end. */
  async play() {
    await new Promise((resolve) => {
      this.#done = resolve;
      this.#socket.once('connect', () => {
        this.judge = new Judge(this.#script, this.#socket.localPort, () => this.#isLate);
        void this.#send();
      });
      if (this.#isOver) resolve();
    });
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.problem ||= this.judge?.problem ?? '';
  }

  /** Whether it sends valid requests and waits for their responses. */
  get isWaiting() {
    return this.#script.isValid && this.#script.ending === 'complete';
  }

  /** Whether sending took so long that the server may have timed out. */
  get #isLate() {
    return Math.min(this.#sentMs, performance.now()) - this.#beganMs >= DEADLINE_MS;
  }

  /** Resets the connection at the end of the run. */
  abandon() {
    this.#finish('reset');
  }

  async #send() {
    for (const step of this.#script.steps) {
      if (this.#isOver || this.#endedBy !== '') break;
      if (step.send !== undefined) this.#write(step.send);
      else if (step.finish) this.#socket.end();
      else await new Promise((resolve) => setTimeout(resolve, step.waitMs));
    }
    this.#sentMs = performance.now();
    if (this.#isOver) return;
    const { ending, stayMs } = this.#script;
    if (ending === 'complete') this.#await();
    else this.#timer = setTimeout(() => this.#finish(ending), stayMs);
  }

  #write(text) {
    const bytes = Buffer.from(text.replaceAll('{port}', this.#socket.localPort), 'latin1');
    this.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  /** Waits for responses: a valid client until all have arrived, others while data arrives. */
  #await() {
    if (this.judge.isComplete || this.#endedBy !== '') return this.#finish('fin');
    const { isValid } = this.#script;
    const limitMs = this.#script.limitMs ?? (isValid ? STALL_MS : SILENCE_MS);
    this.#timer = setTimeout(() => {
      if (isValid) this.problem = `no complete response within ${limitMs} ms: ${this.judge.state}`;
      this.#finish('reset');
    }, limitMs);
  }

  #received(bytes) {
    this.bytesReceived += bytes.length;
    if (bytes.includes(SECRET)) this.problem ||= 'a file was served that is hidden or outside the root';
    this.judge?.feed(bytes);
    if (this.#timer === null || this.#script.ending !== 'complete') return;
    if (this.judge.isComplete || this.judge.problem !== '') this.#finish('fin');
    else this.#timer.refresh();
  }

  /** Reads byte by byte at first. */
  #slowly() {
    const buffer = () => (this.bytesReceived < DRIPPED_BYTES ? this.#byte : this.#block);
    const callback = (count, bytes) => {
      this.#received(Buffer.from(bytes.subarray(0, count)));
      return true;
    };
    return { buffer, callback };
  }

  /** The server closed or reset the connection. */
  #ended(outcome) {
    if (this.#endedBy !== '' || this.#isOver) return;
    this.#endedBy = outcome;
    if (outcome === 'FIN') this.judge?.end();
    const { isValid, ending } = this.#script;
    if (this.judge === null) this.problem = `cannot connect: ${outcome}`;
    else if (this.#isLate) return this.#finish('fin');
    else if (isValid && ending === 'complete' && !this.judge.isComplete && this.judge.problem === '') {
      this.problem = `the server closed the connection (${outcome}): ${this.judge.state}`;
    }
    if (this.#timer !== null || outcome !== 'FIN') this.#finish('fin');
  }

  #finish(outcome) {
    if (this.#isOver) return;
    this.#isOver = true;
    // Node.js cannot reset a socket with a FIN in progress, and never closes it after a request to do so.
    if (outcome === 'reset' && !this.#socket.writableEnded) this.#socket.resetAndDestroy();
    this.#done();
  }
}

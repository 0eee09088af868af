// Plays one script on a raw socket and has its answers judged. It ends in bounded time, whatever the server does.
import { connect } from 'node:net';
import { Judge } from './judge.js';
import { SECRET } from './place.js';

/** A sound client that reads may wait this long for its answers; far more than a busy machine needs. */
const STALL_MS = 20_000;
/** A client of hostile bytes leaves when nothing has come for this long: perhaps nothing will. */
const SILENCE_MS = 400;
/** Bytes that a dripping client reads one by one before it reads the rest. */
const DRIPPED_BYTES = 300;

export class Client {
  bytesSent = 0;
  bytesReceived = 0;
  /** Where answers are judged; null until connected. */
  judge = null;
  /** What was wrong; empty when nothing was. */
  problem = '';
  #script;
  #socket;
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
        this.judge = new Judge(this.#script, this.#socket.localPort);
        void this.#send();
      });
      if (this.#isOver) resolve();
    });
    clearTimeout(this.#timer);
    this.#socket.destroy();
    this.problem ||= this.judge?.problem ?? '';
  }

  /** Whether it sends right requests and waits for their answers. */
  get isOwed() {
    return this.#script.isSound && this.#script.leave === 'answered';
  }

  /** The run is over: leaves by RST. */
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
    if (this.#isOver) return;
    const { leave, stayMs } = this.#script;
    if (leave === 'answered') this.#await();
    else this.#timer = setTimeout(() => this.#finish(leave), stayMs);
  }

  #write(text) {
    const bytes = Buffer.from(text.replaceAll('{port}', this.#socket.localPort), 'latin1');
    this.bytesSent += bytes.length;
    this.#socket.write(bytes);
  }

  /** Waits for what is owed: a sound client until it has come, others for as long as something comes. */
  #await() {
    if (this.judge.isComplete || this.#endedBy !== '') return this.#finish('fin');
    const { isSound } = this.#script;
    const patienceMs = this.#script.patienceMs ?? (isSound ? STALL_MS : SILENCE_MS);
    this.#timer = setTimeout(() => {
      if (isSound) this.problem = `waited in vain for ${patienceMs} ms: ${this.judge.state}`;
      this.#finish('reset');
    }, patienceMs);
  }

  #received(bytes) {
    this.bytesReceived += bytes.length;
    if (bytes.includes(SECRET)) this.problem ||= 'a file was served that is hidden, or lies outside of the root';
    this.judge?.feed(bytes);
    if (this.#timer === null || this.#script.leave !== 'answered') return;
    if (this.judge.isComplete || this.judge.problem !== '') this.#finish('fin');
    else this.#timer.refresh();
  }

  /** Reads byte by byte for a while. */
  #slowly() {
    const buffer = () => (this.bytesReceived < DRIPPED_BYTES ? this.#byte : this.#block);
    const callback = (count, bytes) => {
      this.#received(Buffer.from(bytes.subarray(0, count)));
      return true;
    };
    return { buffer, callback };
  }

  /** The server ended the connection. */
  #ended(how) {
    if (this.#endedBy !== '' || this.#isOver) return;
    this.#endedBy = how;
    if (how === 'FIN') this.judge?.end();
    const { isSound, leave } = this.#script;
    if (this.judge === null) this.problem = `cannot connect: ${how}`;
    else if (isSound && leave === 'answered' && !this.judge.isComplete && this.judge.problem === '') {
      this.problem = `the server ended the connection (${how}): ${this.judge.state}`;
    }
    if (this.#timer !== null || how !== 'FIN') this.#finish('fin');
  }

  #finish(how) {
    if (this.#isOver) return;
    this.#isOver = true;
    // Node.js cannot reset a socket that sends FIN just now, and never closes one that was asked to.
    if (how === 'reset' && !this.#socket.writableEnded) this.#socket.resetAndDestroy();
    this.#done();
  }
}

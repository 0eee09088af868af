// Judges the answers of one connection as they come: each must be framed as RFC 9112 says, a sound request must get
// what it asked for, and no more answers may come than requests were sent.
import { AnswerReader } from '../../build/modules/testing/scenario/answer-reader.js';
import { bytesOf } from './scripts.js';

const HEAD_END = '\r\n\r\n';

/** How many requests a server can see at most in bytes of no certain meaning: each head ends with an empty line. */
function mostRequests(text) {
  let count = 0;
  for (let at = text.indexOf(HEAD_END); at >= 0; at = text.indexOf(HEAD_END, at + 2)) count++;
  return count;
}

export class Judge {
  /** What was wrong; empty while nothing is. */
  problem = '';
  /** Complete answers. */
  answers = 0;
  /** Complete answers by the first digit of their status. */
  classes = {};
  /** The answer that has come, or is coming, is the last one: it says so. */
  isLast = false;
  #status = 0;
  /** What the content of the answer under way must be; null: not known. */
  #content = null;
  #contentAt = 0;
  #expected;
  #most;
  #isJudged;
  #reader = new AnswerReader(this);

  /** `port`: the client's own. */
  constructor(script, port) {
    const text = bytesOf(script);
    this.#expected = script.expected?.map((each) => ({
      ...each,
      content: each.content === null ? null : Buffer.from(each.content.replace('{port}', port), 'latin1'),
    }));
    // One more: an error, or a time-out, answers what is no whole request.
    this.#most = this.#expected?.length ?? mostRequests(text) + 1;
    // Whether an answer to HEAD has content can only be known where requests are.
    this.#isJudged = script.isSound || !text.includes('HEAD ');
  }

  /** Whether everything that was expected has come. */
  get isComplete() {
    if (this.#expected === undefined) return this.isLast && this.#reader.isBetween;
    return this.answers === this.#expected.length;
  }

  /** Where it stands, for a client that waited in vain. */
  get state() {
    return `${this.answers} of ${this.#most} answers, ${this.#contentAt} bytes of the next one's content`;
  }

  feed(bytes) {
    if (this.problem !== '' || !this.#isJudged) return;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#fail(`the framing of answer ${this.answers} is wrong: ${error.message}`);
    }
  }

  /** The server ended the connection in order. */
  end() {
    if (this.problem === '' && this.#isJudged) this.#reader.end();
  }

  // ---- What the reader tells ---------------------------------------------------------------------------------

  isHead() {
    return this.#expected?.[this.answers]?.method === 'HEAD';
  }

  interim(status) {
    if (status !== 100) this.#fail(`an interim answer ${status}`);
  }

  head(status, fields) {
    if (this.isLast) this.#fail(`an answer ${status} behind the last one`);
    if (this.answers >= this.#most) this.#fail(`an answer ${status} to nothing: ${this.#most} requests were sent`);
    const expected = this.#expected?.[this.answers];
    if (expected !== undefined && expected.status !== status) {
      this.#fail(`answer ${this.answers} is ${status}, not ${expected.status}`);
    }
    this.isLast = fields.get('connection') === 'close';
    this.#status = status;
    this.#content = expected?.content ?? null;
    this.#contentAt = 0;
  }

  content(bytes) {
    const begin = this.#contentAt;
    this.#contentAt += bytes.length;
    if (this.#content === null || this.#content.subarray(begin, this.#contentAt).equals(bytes)) return;
    const got = JSON.stringify(bytes.toString('latin1', 0, 40));
    this.#fail(`answer ${this.answers} has ${got} in its content near byte ${begin}`);
  }

  complete() {
    if (this.#content !== null && this.#contentAt !== this.#content.length) {
      this.#fail(`answer ${this.answers} has ${this.#contentAt} bytes of content, not ${this.#content.length}`);
    }
    const name = `${Math.floor(this.#status / 100)}xx`;
    this.classes[name] = (this.classes[name] ?? 0) + 1;
    this.answers++;
    this.#contentAt = 0;
  }

  #fail(text) {
    if (this.problem === '') this.problem = text;
  }
}

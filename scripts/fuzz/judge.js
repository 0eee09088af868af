// Judges the responses of one connection. Each must be framed by RFC 9112, a valid request must get its expected
// response, and there must not be more responses than requests.
import { ResponseReader } from '../../build/modules/testing/scenario/response-reader.js';
import { bytesOf } from './scripts.js';

const HEAD_END = '\r\n\r\n';
const TIMEOUT = 408;

/** The largest number of requests in arbitrary bytes: each head ends with an empty line. */
function mostRequests(text) {
  let count = 0;
  for (let at = text.indexOf(HEAD_END); at >= 0; at = text.indexOf(HEAD_END, at + 2)) count++;
  return count;
}

export class Judge {
  /** What was wrong; empty while nothing is. */
  problem = '';
  /** The number of complete responses. */
  responses = 0;
  /** Complete responses by the first digit of their status. */
  classes = {};
  /** The current response announces the end of the connection. */
  isFinal = false;
  #status = 0;
  /** The expected content of the current response; null: not known. */
  #content = null;
  #contentAt = 0;
  #expected;
  #most;
  #isJudged;
  #isLate;
  #reader = new ResponseReader(this);

  /** `port`: the client's own port; `isLate()`: whether it has sent so slowly that 408 is right. */
  constructor(script, port, isLate) {
    const text = bytesOf(script);
    this.#expected = script.expected?.map((each) => ({
      ...each,
      content: each.content === null ? null : Buffer.from(each.content.replace('{port}', port), 'latin1'),
    }));
    // One more, since an incomplete request gets an error or a time-out.
    this.#most = this.#expected?.length ?? mostRequests(text) + 1;
    this.#isLate = isLate;
    // A response to HEAD has no content, which can only be judged where the requests are known.
    this.#isJudged = script.isValid || !text.includes('HEAD ');
  }

  /** Whether all expected responses have arrived. */
  get isComplete() {
    if (this.#expected === undefined) return this.isFinal && this.#reader.isBetween;
    return this.responses === this.#expected.length;
  }

  /** The state of the connection, for a client without a complete response. */
  get state() {
    return `${this.responses} of ${this.#most} responses, ${this.#contentAt} bytes of the next one's content`;
  }

  feed(bytes) {
    if (this.problem !== '' || !this.#isJudged) return;
    try {
      this.#reader.feed(bytes);
    } catch (error) {
      this.#fail(`wrong framing of response ${this.responses}: ${error.message}`);
    }
  }

  /** The server closed the connection with FIN. */
  end() {
    if (this.problem === '' && this.#isJudged) this.#reader.end();
  }

  // ---- Callbacks of the reader ---------------------------------------------------------------------------------

  isHead() {
    return this.#expected?.[this.responses]?.method === 'HEAD';
  }

  interim(status) {
    if (status !== 100) this.#fail(`an interim response ${status}`);
  }

  trailers(fields) {
    if (fields.size > 0) this.#fail(`response ${this.responses} has trailers`);
  }

  foreign() {
    this.#fail('bytes of another protocol');
  }

  head(status, fields) {
    if (this.isFinal) this.#fail(`a response ${status} after the last one`);
    if (this.responses >= this.#most)
      this.#fail(`a response ${status} without a request: ${this.#most} requests were sent`);
    if (status === TIMEOUT && this.#isLate()) this.#isJudged = false;
    const expected = this.#expected?.[this.responses];
    if (expected !== undefined && expected.status !== status) {
      this.#fail(`response ${this.responses} is ${status}, not ${expected.status}`);
    }
    this.isFinal = fields.get('connection') === 'close';
    this.#status = status;
    this.#content = expected?.content ?? null;
    this.#contentAt = 0;
  }

  content(bytes) {
    const begin = this.#contentAt;
    this.#contentAt += bytes.length;
    if (this.#content === null || this.#content.subarray(begin, this.#contentAt).equals(bytes)) return;
    const got = JSON.stringify(bytes.toString('latin1', 0, 40));
    this.#fail(`response ${this.responses} has ${got} in its content near byte ${begin}`);
  }

  complete() {
    if (this.#content !== null && this.#contentAt !== this.#content.length) {
      this.#fail(`response ${this.responses} has ${this.#contentAt} bytes of content, not ${this.#content.length}`);
    }
    const name = `${Math.floor(this.#status / 100)}xx`;
    this.classes[name] = (this.classes[name] ?? 0) + 1;
    this.responses++;
    this.#contentAt = 0;
  }

  #fail(text) {
    if (this.#isJudged) this.problem ||= text;
  }
}

// Proves that each kind of fault is found: servers that are wrong in one way each, and the cases that must say so.

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { CASES } from '../../../src/tools/conformance/cases.ts';
import { examine } from '../../../src/tools/conformance/examine.ts';
import { findTarget } from '../../../src/tools/conformance/target.ts';

const DATE = 'Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n';

/** What a server can get wrong; everything else it does right, as far as the cases below see. */
interface Fault {
  /** It takes the content of a request for the next request. */
  readonly readsNoContent?: boolean;
  /** It goes on after an error. */
  readonly goesOn?: boolean;
  /** It answers when the fields end, be the content there or not. */
  readonly answersEarly?: boolean;
  /** It ignores Connection: close. */
  readonly neverCloses?: boolean;
  /** It sends content in answer to HEAD. */
  readonly talksToHead?: boolean;
  /** It looks at one packet at a time. */
  readonly forgets?: boolean;
  readonly noDate?: boolean;
}

/** A server of a page and an echo, in as few lines as a fault needs. */
class Conversation {
  readonly #socket: Socket;
  readonly #fault: Fault;
  #text = '';

  constructor(socket: Socket, fault: Fault) {
    this.#socket = socket;
    this.#fault = fault;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.#text = fault.forgets === true ? bytes.toString('latin1') : this.#text + bytes.toString('latin1');
      while (this.#serve());
    });
  }

  /** Whether a request was served. */
  #serve(): boolean {
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0 || this.#socket.writableEnded) return false;
    const head = this.#text.slice(0, end);
    const [line = ''] = head.split('\r\n');
    const length = this.#fault.readsNoContent === true ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const content = this.#text.slice(end + 4, end + 4 + length);
    if (content.length < length && this.#fault.answersEarly !== true) return false;
    this.#text = this.#text.slice(end + 4 + length);
    const isWrong = !/^[A-Z]+ \/\S* HTTP\/1\.[01]$/.test(line) || !/^host: ?[^\s/@]+$/im.test(head);
    const isLast = /^connection: *close/im.test(head) || line.endsWith('1.0');
    this.#answer(
      isWrong ? 400 : 200,
      line.includes('/echo') ? content : 'page',
      line.startsWith('HEAD'),
      isWrong || isLast,
    );
    return true;
  }

  #answer(status: number, content: string, isHead: boolean, isLast: boolean): void {
    const date = this.#fault.noDate === true ? '' : DATE;
    const text = isHead && this.#fault.talksToHead !== true ? '' : content;
    this.#socket.write(`HTTP/1.1 ${status} Status\r\n${date}Content-Length: ${content.length}\r\n\r\n${text}`);
    const goesOn = status === 400 ? this.#fault.goesOn === true : this.#fault.neverCloses === true;
    if (isLast && !goesOn) this.#socket.end();
  }
}

async function verdictsOf(fault: Fault, ids: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    new Conversation(socket, fault);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const target = await findTarget(`http://127.0.0.1:${address.port}/`, false, 500);
  const cases = CASES.filter(({ id }) => ids.includes(id));
  expect(cases).toHaveLength(ids.filter((id) => !id.startsWith('answers/')).length);
  const results = await examine(target, cases, {
    maxConnections: 8,
    timeoutMs: 500,
    maxDurationMs: 25_000,
    maxSplits: 6,
  });
  return Object.fromEntries(results.filter(({ id }) => ids.includes(id)).map(({ id, verdict }) => [id, verdict]));
}

const PLAIN = 'request-line/a-plain-get';
const BODY = 'content-length/a-body';
const NO_HOST = 'host/none-in-http-1-1';
const SPACE = 'request-line/a-space-in-front';
const CLOSE = 'connection/close-is-obeyed';
const HEAD = 'methods/head';
const CUT = 'content-length/a-body-that-is-cut-by-fin';
const UNREAD = 'unread/a-get-of-the-page-with-a-length';

const FAULTS: readonly (readonly [string, Fault, Readonly<Record<string, string>>])[] = [
  [
    'none',
    {},
    {
      [PLAIN]: 'passed',
      [BODY]: 'passed',
      [NO_HOST]: 'passed',
      [SPACE]: 'passed',
      [CLOSE]: 'passed',
      [HEAD]: 'passed',
      [CUT]: 'passed',
      [UNREAD]: 'passed',
      'answers/date': 'passed',
    },
  ],
  ['content is the next request', { readsNoContent: true }, { [PLAIN]: 'passed', [UNREAD]: 'failed' }],
  ['it goes on after an error', { goesOn: true }, { [PLAIN]: 'passed', [SPACE]: 'warned' }],
  [
    'it answers before the content came',
    { answersEarly: true },
    { [PLAIN]: 'passed', [BODY]: 'failed', [CUT]: 'failed' },
  ],
  ['it never closes', { neverCloses: true }, { [CLOSE]: 'failed' }],
  ['it answers HEAD with content', { talksToHead: true }, { [PLAIN]: 'passed', [HEAD]: 'failed' }],
  ['it forgets what came before', { forgets: true }, { [PLAIN]: 'failed', [BODY]: 'failed' }],
  ['it sends no Date', { noDate: true }, { [PLAIN]: 'passed', 'answers/date': 'failed' }],
];

test.each(FAULTS)('%s', async (_, fault, expected) => {
  expect(await verdictsOf(fault, Object.keys(expected))).toEqual(expected);
});

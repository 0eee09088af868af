// Tests that each kind of fault is found: servers with one fault each, and the cases that must fail for it.

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { CASES } from '../../../src/tools/conformance/cases.ts';
import { examine } from '../../../src/tools/conformance/examine.ts';
import { findTarget } from '../../../src/tools/conformance/target.ts';

const DATE = 'Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n';

/** One fault of a server; everything else is right, as far as the cases below check it. */
interface Fault {
  /** The content of a request is read as the next request. */
  readonly readsNoContent?: boolean;
  /** The connection stays open after an error. */
  readonly staysOpen?: boolean;
  /** The response is sent after the fields, before the content has arrived. */
  readonly respondsEarly?: boolean;
  /** Connection: close is ignored. */
  readonly neverCloses?: boolean;
  /** The response to HEAD has content. */
  readonly sendsHeadContent?: boolean;
  /** Each packet is parsed on its own. */
  readonly parsesPackets?: boolean;
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
      this.#text = fault.parsesPackets === true ? bytes.toString('latin1') : this.#text + bytes.toString('latin1');
      while (this.#serve());
    });
  }

  /** Returns whether a request was served. */
  #serve(): boolean {
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0 || this.#socket.writableEnded) return false;
    const head = this.#text.slice(0, end);
    const [line = ''] = head.split('\r\n');
    const length = this.#fault.readsNoContent === true ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const content = this.#text.slice(end + 4, end + 4 + length);
    if (content.length < length && this.#fault.respondsEarly !== true) return false;
    this.#text = this.#text.slice(end + 4 + length);
    const isWrong = !/^[A-Z]+ \/\S* HTTP\/1\.[01]$/.test(line) || !/^host: ?[^\s/@]+$/im.test(head);
    const isFinal = /^connection: *close/im.test(head) || line.endsWith('1.0');
    this.#response(
      isWrong ? 400 : 200,
      line.includes('/echo') ? content : 'page',
      line.startsWith('HEAD'),
      isWrong || isFinal,
    );
    return true;
  }

  #response(status: number, content: string, isHead: boolean, isFinal: boolean): void {
    const date = this.#fault.noDate === true ? '' : DATE;
    const text = isHead && this.#fault.sendsHeadContent !== true ? '' : content;
    this.#socket.write(`HTTP/1.1 ${status} Status\r\n${date}Content-Length: ${content.length}\r\n\r\n${text}`);
    const staysOpen = status === 400 ? this.#fault.staysOpen === true : this.#fault.neverCloses === true;
    if (isFinal && !staysOpen) this.#socket.end();
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
  expect(cases).toHaveLength(ids.filter((id) => !id.startsWith('responses/')).length);
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
const CLOSE = 'connection/close-ends-the-connection';
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
      'responses/date': 'passed',
    },
  ],
  ['content is read as the next request', { readsNoContent: true }, { [PLAIN]: 'passed', [UNREAD]: 'failed' }],
  ['the connection stays open after an error', { staysOpen: true }, { [PLAIN]: 'passed', [SPACE]: 'warned' }],
  [
    'the response comes before the content',
    { respondsEarly: true },
    { [PLAIN]: 'passed', [BODY]: 'failed', [CUT]: 'failed' },
  ],
  ['Connection: close is ignored', { neverCloses: true }, { [CLOSE]: 'failed' }],
  ['the response to HEAD has content', { sendsHeadContent: true }, { [PLAIN]: 'passed', [HEAD]: 'failed' }],
  ['each packet is parsed on its own', { parsesPackets: true }, { [PLAIN]: 'failed', [BODY]: 'failed' }],
  ['Date is missing', { noDate: true }, { [PLAIN]: 'passed', 'responses/date': 'failed' }],
];

test.each(FAULTS)('%s', async (_, fault, expected) => {
  expect(await verdictsOf(fault, Object.keys(expected))).toEqual(expected);
});

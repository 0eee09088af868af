// The server that is examined: where it is, whether it may be, and which parts its site has.

import { lookup } from 'node:dns/promises';
import { EpollServerError, messageOf } from '../../errors.ts';
import { type Answer, fieldOf } from './answers.ts';
import type { Part } from './case.ts';
import { type Address, Visitor } from './visitor.ts';

export interface Target {
  readonly url: string;
  readonly address: Address;
  /** What `{host}` stands for: the URL's host and port. */
  readonly host: string;
  /** What `{page}` stands for: the URL's path. */
  readonly page: string;
  /** How a plain GET of the page is answered. */
  readonly pageStatus: number;
  /** Its Server field; empty when it sends none. */
  readonly server: string;
  readonly parts: ReadonlySet<Part>;
}

const NONCE = 'nonce-7d3f1a';

/** What is sent to find a part, and how its answer is recognised. */
const PROBES: readonly (readonly [Part, string, (answer: Answer, target: Target) => boolean])[] = [
  ['echo', request('/echo', 'POST', `Content-Length: ${NONCE.length}\r\n`) + NONCE, (answer) => is(answer, 200, NONCE)],
  [
    'inspect',
    request('/inspect?a=b'),
    ({ content }) => /"target"\s*:\s*"\/inspect\?a=b"/.test(content.toString('latin1')),
  ],
  ['stream', request('/stream'), (answer) => answer.status === 200 && answer.content.length === 10_000],
  ['slow', request('/slow?ms=1'), (answer) => is(answer, 200, 'slow\n')],
  ['ignore', request('/ignore', 'POST', 'Content-Length: 0\r\n'), (answer) => is(answer, 200, 'ignored\n')],
  ['throws', request('/throw'), ({ status }) => status >= 500],
  ['noContent', request('/status/204'), ({ status }) => status === 204],
  ['notModified', request('/status/304'), ({ status }) => status === 304],
  ['setHeader', request('/setheader?v=abc'), (answer) => fieldOf(answer, 'x-val') === 'abc'],
  ['bytes', request('/bytes?n=7'), (answer) => is(answer, 200, 'xxxxxxx')],
  [
    'validators',
    request('{page}'),
    (answer) =>
      answer.status === 200 && fieldOf(answer, 'etag') !== undefined && fieldOf(answer, 'last-modified') !== undefined,
  ],
  ['ranges', request('{page}', 'GET', 'Range: bytes=0-0\r\n'), ({ status }) => status === 206],
];

function request(target: string, method = 'GET', lines = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n${lines}\r\n`;
}

function is({ status, content }: Answer, wanted: number, text: string): boolean {
  return status === wanted && content.toString('latin1') === text;
}

/** `bytes` with the target's own names in it. */
export function filledIn(bytes: string, { host, page }: Pick<Target, 'host' | 'page'>): string {
  return bytes.replaceAll('{host}', host).replaceAll('{page}', page);
}

/**
 * Looks at a server.
 * @throws EpollServerError `ERR_OPTION` for a URL that is none, is not plain HTTP, or leads to another machine
 * without `allowRemote`; `ERR_TARGET` when nobody answers there, or not in HTTP.
 */
export async function findTarget(text: string, allowRemote: boolean, timeoutMs: number): Promise<Target> {
  const url = parse(text);
  const address = await resolve(url, allowRemote);
  const bare: Target = {
    url: url.href,
    address,
    host: url.host,
    page: `${url.pathname}${url.search}`,
    pageStatus: 0,
    server: '',
    parts: new Set(),
  };
  const page = await ask(bare, request('{page}'), timeoutMs);
  if (typeof page === 'string')
    throw new EpollServerError('ERR_TARGET', `${url.href} does not speak HTTP/1.1: ${page}`);
  const parts = new Set<Part>(['page']);
  for (const [part, bytes, isThere] of PROBES) {
    const answer = await ask(bare, bytes, timeoutMs);
    if (typeof answer !== 'string' && isThere(answer, bare)) parts.add(part);
  }
  return { ...bare, pageStatus: page.status, server: fieldOf(page, 'server') ?? '', parts };
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw wrong(`"${text}" is not a URL: write http://127.0.0.1:8080/`);
  if (url.protocol === 'https:') throw wrong(`${text} is TLS: name the plain HTTP port behind it`);
  if (url.protocol !== 'http:') throw wrong(`${text} is not an http URL: write http://127.0.0.1:8080/`);
  if (url.username !== '' || url.password !== '') throw wrong(`${text} has userinfo, which HTTP does not send`);
  return url;
}

async function resolve(url: URL, allowRemote: boolean): Promise<Address> {
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { address } = await lookup(name).catch((error: unknown) => {
    throw new EpollServerError('ERR_TARGET', `${url.host} cannot be found: ${messageOf(error)}`);
  });
  const isLoopback = /^127\./.test(address) || address === '::1' || /^::ffff:127\./i.test(address);
  if (!isLoopback && !allowRemote) {
    throw wrong(`${url.host} is another machine (${address}): its owner may object; --remote if you may`);
  }
  return { host: address, port: url.port === '' ? 80 : Number(url.port) };
}

/** The answer to one request on a connection of its own, or why there is none. */
async function ask(target: Target, bytes: string, timeoutMs: number): Promise<Answer | string> {
  const visitor = await Visitor.open(target.address, { methods: [], old: [] }, timeoutMs);
  visitor.send(filledIn(bytes, target));
  await visitor.answers(1, timeoutMs);
  // An answer without a length ends with its connection.
  if (visitor.reader.answers.length === 0 && visitor.end === null) await visitor.ended(timeoutMs);
  visitor.leave();
  const [answer] = visitor.reader.answers;
  return (
    answer ?? (visitor.reader.problem || (visitor.end === null ? 'it says nothing' : 'it closed without an answer'))
  );
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

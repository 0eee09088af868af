// The server under examination: its address, the check for permission, and the parts of its site.

import { lookup } from 'node:dns/promises';
import { EpollServerError, messageOf } from '../../errors.ts';
import type { Part } from './case.ts';
import { type Address, ProbeClient } from './probe-client.ts';
import { fieldOf, type ReceivedResponse } from './response-reader.ts';

export interface Target {
  readonly url: string;
  readonly address: Address;
  /** The value of `{host}`: host and port of the URL. */
  readonly host: string;
  /** The value of `{page}`: the path of the URL. */
  readonly page: string;
  /** The status of a plain GET of the page. */
  readonly pageStatus: number;
  /** The value of its Server field; empty when it sends none. */
  readonly server: string;
  readonly parts: ReadonlySet<Part>;
}

const NONCE = 'nonce-7d3f1a';

/** The request that detects a part, and the check of its response. */
const PROBES: readonly (readonly [Part, string, (response: ReceivedResponse, target: Target) => boolean])[] = [
  [
    'echo',
    request('/echo', 'POST', `Content-Length: ${NONCE.length}\r\n`) + NONCE,
    (response) => is(response, 200, NONCE),
  ],
  [
    'inspect',
    request('/inspect?a=b'),
    ({ content }) => /"target"\s*:\s*"\/inspect\?a=b"/.test(content.toString('latin1')),
  ],
  ['stream', request('/stream'), (response) => response.status === 200 && response.content.length === 10_000],
  ['slow', request('/slow?ms=1'), (response) => is(response, 200, 'slow\n')],
  ['ignore', request('/ignore', 'POST', 'Content-Length: 0\r\n'), (response) => is(response, 200, 'ignored\n')],
  ['throws', request('/throw'), ({ status }) => status >= 500],
  ['noContent', request('/status/204'), ({ status }) => status === 204],
  ['notModified', request('/status/304'), ({ status }) => status === 304],
  ['setHeader', request('/setheader?v=abc'), (response) => fieldOf(response, 'x-val') === 'abc'],
  ['bytes', request('/bytes?n=7'), (response) => is(response, 200, 'xxxxxxx')],
  [
    'validators',
    request('{page}'),
    (response) =>
      response.status === 200 &&
      fieldOf(response, 'etag') !== undefined &&
      fieldOf(response, 'last-modified') !== undefined,
  ],
  ['ranges', request('{page}', 'GET', 'Range: bytes=0-0\r\n'), ({ status }) => status === 206],
];

function request(target: string, method = 'GET', lines = ''): string {
  return `${method} ${target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n${lines}\r\n`;
}

function is({ status, content }: ReceivedResponse, expected: number, text: string): boolean {
  return status === expected && content.toString('latin1') === text;
}

/** Replaces `{host}` and `{page}` in `bytes`. */
export function filledIn(bytes: string, { host, page }: Pick<Target, 'host' | 'page'>): string {
  return bytes.replaceAll('{host}', host).replaceAll('{page}', page);
}

/**
 * Examines a server for its parts.
 * @throws EpollServerError `ERR_OPTION` for an invalid URL, one that is not plain HTTP, or one of another machine
 * without `allowRemote`. `ERR_TARGET` when the server does not respond, or not in HTTP.
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
  const page = await send(bare, request('{page}'), timeoutMs);
  if (typeof page === 'string')
    throw new EpollServerError('ERR_TARGET', `${url.href} does not speak HTTP/1.1: ${page}`);
  const parts = new Set<Part>(['page']);
  for (const [part, bytes, detects] of PROBES) {
    const response = await send(bare, bytes, timeoutMs);
    if (typeof response !== 'string' && detects(response, bare)) parts.add(part);
  }
  return { ...bare, pageStatus: page.status, server: fieldOf(page, 'server') ?? '', parts };
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw wrong(`"${text}" is not a URL (example: http://127.0.0.1:8080/)`);
  if (url.protocol === 'https:')
    throw wrong(`${text} is TLS, which conform does not support: give the plain HTTP port behind it`);
  if (url.protocol !== 'http:') throw wrong(`${text} is not an http:// URL (example: http://127.0.0.1:8080/)`);
  if (url.username !== '' || url.password !== '')
    throw wrong(`${text} contains a user name or password, which HTTP does not send`);
  return url;
}

async function resolve(url: URL, allowRemote: boolean): Promise<Address> {
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { address } = await lookup(name).catch((error: unknown) => {
    throw new EpollServerError('ERR_TARGET', `cannot resolve ${url.host}: ${messageOf(error)}`);
  });
  const isLoopback = /^127\./.test(address) || address === '::1' || /^::ffff:127\./i.test(address);
  if (!isLoopback && !allowRemote) {
    throw wrong(`${url.host} is another machine (${address}): use --remote if you are allowed to test it`);
  }
  return { host: address, port: url.port === '' ? 80 : Number(url.port) };
}

/** Sends one request on a connection of its own; resolves to the response, or to why there is none. */
async function send(target: Target, bytes: string, timeoutMs: number): Promise<ReceivedResponse | string> {
  const client = await ProbeClient.open(target.address, { methods: [], http10: [] }, timeoutMs);
  client.send(filledIn(bytes, target));
  await client.waitForResponses(1, timeoutMs);
  // A response without a length ends with its connection.
  if (client.reader.responses.length === 0 && client.end === null) await client.waitForEnd(timeoutMs);
  client.reset();
  const [response] = client.reader.responses;
  return (
    response ??
    (client.reader.problem || (client.end === null ? 'no response' : 'the connection closed without a response'))
  );
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}

// The access log formats: one line per response, gathered during a turn and written once at its end.

import { countText } from '../count-text.ts';
import type { ResponseRecord } from '../exchange/request-observer.ts';
import type { Endpoint, HttpRequest, TlsConnection } from '../http/handler.ts';
import { traceIdOf } from '../http/request-ids.ts';
import type { LogFormat } from '../options/choices.ts';
import { printableJson } from '../printable.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `[21/Nov/2026:04:00:34 +0000]`. */
function bracketedTime(sinceEpochMs: number): string {
  const [year = '', month = '', rest = ''] = new Date(sinceEpochMs).toISOString().split('-');
  return `[${rest.slice(0, 2)}/${MONTHS[Number(month) - 1]}/${year}:${rest.slice(3, 11)} +0000]`;
}

/** Escapes every character from a client that could end a line, close a quote or move a terminal's cursor. */
export function escapeForLog(text: string): string {
  return text.replace(
    /["\\\p{Cc}\u00a0-\u00ff]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Formats one access log line, including its line feed. */
export type LineFormatter = (record: ResponseRecord, sinceEpochMs: number) => string;

function requestLine(request: HttpRequest | null): string {
  return request === null ? '-' : `${request.method} ${escapeForLog(request.target)} HTTP/${request.httpVersion}`;
}

/** A client of a Unix domain socket has no address: nginx writes `unix:` for it too. */
export function addressText({ address }: Endpoint): string {
  return address === '' ? 'unix:' : address;
}

function common({ request, remote, status, contentBytes }: ResponseRecord, sinceEpochMs: number): string {
  return `${addressText(remote)} - - ${bracketedTime(sinceEpochMs)} "${requestLine(request)}" ${status} ${contentBytes}`;
}

function quotedField(request: HttpRequest | null, name: string): string {
  const value = request?.header(name);
  return value === undefined ? '"-"' : `"${escapeForLog(value)}"`;
}

function combined(record: ResponseRecord, sinceEpochMs: number): string {
  const { request } = record;
  return `${common(record, sinceEpochMs)} ${quotedField(request, 'referer')} ${quotedField(request, 'user-agent')}`;
}

/** Text that JSON has as it is, and that a terminal shows as it is. */
const PLAIN = /^[\x20!#-[\]-~]*$/;

/** `text` as a JSON string. Most texts are plain: the check costs less than JSON.stringify. */
function quoted(text: string | null | undefined): string {
  if (text === null || text === undefined) return 'null';
  return PLAIN.test(text) ? `"${text}"` : printableJson(JSON.stringify(text));
}

/** The last second whose text was made: `2026-11-21T04:00:34`. */
let lastSecond = Number.NaN;
let secondText = '';

/** As Date.toISOString, which costs a third of a line. */
function isoTime(sinceEpochMs: number): string {
  const second = Math.floor(sinceEpochMs / 1_000);
  if (second !== lastSecond) {
    secondText = new Date(second * 1_000).toISOString().slice(0, 19);
    lastSecond = second;
  }
  return `${secondText}.${String(Math.floor(sinceEpochMs) - second * 1_000).padStart(3, '0')}Z`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** Written out: the same by JSON.stringify of an object takes twice as long. */
function json(record: ResponseRecord, sinceEpochMs: number): string {
  const { request, remote, status, contentBytes, durationMs, firstByteMs, problem } = record;
  const start = `{"time":"${isoTime(sinceEpochMs)}","remote":${quoted(addressText(remote))},"port":${remote.port}`;
  const where = `"host":${quoted(request?.host)},"scheme":${quoted(request?.scheme)}`;
  const what = `"method":${quoted(request?.method)},"target":${quoted(request?.target)},"version":${quoted(request?.httpVersion)}`;
  const sent = `"status":${status},"bytes":${contentBytes},"durationMs":${rounded(durationMs)},"firstByteMs":${rounded(firstByteMs)}`;
  const client = `"referer":${quoted(request?.header('referer'))},"userAgent":${quoted(request?.header('user-agent'))}`;
  const why = problem === '' ? '' : `,"problem":${quoted(problem)}`;
  const encryption = tlsOf(request?.tls ?? null);
  return `${start},${where},${what}${encryption},${sent},${client}${idsOf(request)}${why}}`;
}

/** The members for the encryption of the connection; none for plaintext. */
function tlsOf(tls: TlsConnection | null): string {
  if (tls === null) return '';
  const { protocol, cipher, serverName, isResumed } = tls;
  return `,"tls":${quoted(protocol)},"cipher":${quoted(cipher)},"serverName":${quoted(serverName)},"isResumed":${isResumed}`;
}

/** The members for the ids of a request, if requests have ids. */
function idsOf(request: HttpRequest | null): string {
  if (request === null || request.id === undefined || request.id === '') return '';
  const traceId = traceIdOf(request);
  return `,"requestId":${quoted(request.id)}${traceId === '' ? '' : `,"traceId":${quoted(traceId)}`}`;
}

/** The formatter of a {@link LogFormat}. */
export function lineFormatter(format: LogFormat): LineFormatter {
  const line = { common, combined, json }[format];
  return (record, sinceEpochMs) => `${line(record, sinceEpochMs)}\n`;
}

/** Formats the line that reports lost lines: an object in `json`, a comment in the other formats. */
export function lossNotice(format: LogFormat): (lines: number) => string {
  return (lines) => {
    const now = Date.now();
    const problem = `${countText(lines, 'line')} lost`;
    if (format !== 'json') return `# ${bracketedTime(now)} epoll-server: ${problem}\n`;
    return `${JSON.stringify({ time: new Date(now).toISOString(), lostLines: lines, problem })}\n`;
  };
}

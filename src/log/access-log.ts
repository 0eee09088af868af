// The access log formats: one line per response, gathered during a turn and written once at its end.

import type { ResponseRecord } from '../exchange/request-observer.ts';
import type { Endpoint, HttpRequest, TlsConnection } from '../http/handler.ts';
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

/** How the connection is encrypted; nothing for plaintext. */
function tlsFields(tls: TlsConnection | null): object {
  if (tls === null) return {};
  return { tls: tls.protocol, cipher: tls.cipher, serverName: tls.serverName, isResumed: tls.isResumed };
}

function json(
  { request, remote, status, contentBytes, durationMs, problem }: ResponseRecord,
  sinceEpochMs: number,
): string {
  const line = JSON.stringify({
    time: new Date(sinceEpochMs).toISOString(),
    remote: addressText(remote),
    port: remote.port,
    method: request?.method ?? null,
    target: request?.target ?? null,
    version: request?.httpVersion ?? null,
    ...tlsFields(request?.tls ?? null),
    status,
    bytes: contentBytes,
    durationMs: Math.round(durationMs * 1000) / 1000,
    referer: request?.header('referer') ?? null,
    userAgent: request?.header('user-agent') ?? null,
    ...(problem === '' ? {} : { problem }),
  });
  return printableJson(line);
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
    const problem = `${lines} lines were lost`;
    if (format !== 'json') return `# ${bracketedTime(now)} epoll-server: ${problem}\n`;
    return `${JSON.stringify({ time: new Date(now).toISOString(), lostLines: lines, problem })}\n`;
  };
}

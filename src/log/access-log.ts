// One line for each answer, in the formats that tools read, gathered and written once a turn.
// It must not know where lines go.

import type { AnswerRecord } from '../exchange/observer.ts';
import type { Endpoint, HttpRequest } from '../http/handler.ts';
import type { LogFormat } from '../options/choices.ts';
import { printableJson } from '../printable.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `[21/Nov/2026:04:00:34 +0000]`. */
function bracketedTime(sinceEpochMs: number): string {
  const [year = '', month = '', rest = ''] = new Date(sinceEpochMs).toISOString().split('-');
  return `[${rest.slice(0, 2)}/${MONTHS[Number(month) - 1]}/${year}:${rest.slice(3, 11)} +0000]`;
}

/** Nothing that a client sent can end a line, close a quote or move a terminal's cursor. */
export function escapeForLog(text: string): string {
  return text.replace(
    /["\\\p{Cc}\u00a0-\u00ff]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** Makes the line for one answer, its line feed included. */
export type LineFormatter = (record: AnswerRecord, sinceEpochMs: number) => string;

function requestLine(request: HttpRequest | null): string {
  return request === null ? '-' : `${request.method} ${escapeForLog(request.target)} HTTP/${request.httpVersion}`;
}

/** A client of a Unix domain socket has no address: nginx writes this for it. */
export function addressText({ address }: Endpoint): string {
  return address === '' ? 'unix:' : address;
}

function common({ request, remote, status, contentBytes }: AnswerRecord, sinceEpochMs: number): string {
  return `${addressText(remote)} - - ${bracketedTime(sinceEpochMs)} "${requestLine(request)}" ${status} ${contentBytes}`;
}

function quotedField(request: HttpRequest | null, name: string): string {
  const value = request?.header(name);
  return value === undefined ? '"-"' : `"${escapeForLog(value)}"`;
}

function combined(record: AnswerRecord, sinceEpochMs: number): string {
  const { request } = record;
  return `${common(record, sinceEpochMs)} ${quotedField(request, 'referer')} ${quotedField(request, 'user-agent')}`;
}

function json(
  { request, remote, status, contentBytes, durationMs, problem }: AnswerRecord,
  sinceEpochMs: number,
): string {
  const line = JSON.stringify({
    time: new Date(sinceEpochMs).toISOString(),
    remote: addressText(remote),
    port: remote.port,
    method: request?.method ?? null,
    target: request?.target ?? null,
    version: request?.httpVersion ?? null,
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

/** The line that takes the place of lines that were lost: an object in `json`, elsewhere a comment. */
export function lossNotice(format: LogFormat): (lines: number) => string {
  return (lines) => {
    const now = Date.now();
    const problem = `${lines} lines were lost`;
    if (format !== 'json') return `# ${bracketedTime(now)} epoll-server: ${problem}\n`;
    return `${JSON.stringify({ time: new Date(now).toISOString(), lostLines: lines, problem })}\n`;
  };
}

// Checks the value of a Host field (RFC 9110 section 7.2, RFC 3986 section 3.2.2).

import { COLON, REGISTERED_NAME } from './characters.ts';
import { runEnd } from './run-end.ts';

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const PERCENT = 0x25;

/** Whether `bytes[start, end)` is `uri-host [ ":" port ]`, or empty, without userinfo. */
export function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  const nameEnd = bytes[start] === OPEN_BRACKET ? literalEnd(bytes, start, end) : registeredNameEnd(bytes, start, end);
  if (nameEnd <= start) return false;
  if (nameEnd === end) return true;
  if (bytes[nameEnd] !== COLON) return false;
  return isPort(bytes, nameEnd + 1, end);
}

function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 5) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

/** The offset after `[...]` of hexadecimal digits, colons and dots. -1: malformed. */
function literalEnd(bytes: Uint8Array, start: number, end: number): number {
  let colons = 0;
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === CLOSE_BRACKET) return colons >= 2 ? at + 1 : -1;
    if (byte === COLON) colons++;
    else if (byte !== 0x2e && !isHexadecimal(byte)) return -1;
  }
  return -1;
}

/** The offset after a registered name: at the colon of a port, or the end. -1: malformed. */
function registeredNameEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    at = runEnd(bytes, at, end, REGISTERED_NAME);
    if (at === end || bytes[at] === COLON) return at;
    if (bytes[at] !== PERCENT || at + 2 >= end) return -1;
    if (!isHexadecimal(bytes[at + 1] ?? 0) || !isHexadecimal(bytes[at + 2] ?? 0)) return -1;
    at += 3;
  }
  return at;
}

function isHexadecimal(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

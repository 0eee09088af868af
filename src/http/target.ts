// Checks that a request target has the form that its method needs (RFC 9112 section 3.2). Most targets are an absolute
// path, which the parser recognises itself; only the others are checked here.

import { COLON, equalsIgnoringCase } from './characters.ts';
import type { Head } from './head.ts';
import { isHost } from './host.ts';

const SLASH = 0x2f;
const ASTERISK = 0x2a;
const QUESTION_MARK = 0x3f;
const COMMERCIAL_AT = 0x40;

/** The target is valid. */
const TARGET_VALID = 0;
/** Malformed, or of a form that the method does not allow: 400. */
export const TARGET_WRONG = 1;
/** TRACE and CONNECT, which are not passed to handlers: 501 (RFC 9110 sections 9.3.6 and 9.3.8). */
export const TARGET_UNSERVED = 2;

/** Checks the target of the head that begins at `bytes[base]`. */
export function checkTarget(bytes: Uint8Array, base: number, head: Head): number {
  const letters = head.methodEnd - head.methodStart;
  // TRACE has five letters, OPTIONS and CONNECT seven. Every other method takes a path.
  if (letters !== 5 && letters !== 7 && bytes[base + head.targetStart] === SLASH) return TARGET_VALID;
  return checkForm(bytes, base, head);
}

function checkForm(bytes: Uint8Array, base: number, head: Head): number {
  const [methodStart, methodEnd] = [base + head.methodStart, base + head.methodEnd];
  const [start, end] = [base + head.targetStart, base + head.targetEnd];
  if (isMethod(bytes, methodStart, methodEnd, 'CONNECT')) {
    return isAuthority(bytes, start, end) ? TARGET_UNSERVED : TARGET_WRONG;
  }
  // A TRACE response would disclose what the client, or a proxy in between, sent in confidence.
  if (isMethod(bytes, methodStart, methodEnd, 'TRACE')) return TARGET_UNSERVED;
  if (bytes[start] === SLASH) return TARGET_VALID;
  if (bytes[start] === ASTERISK && end - start === 1) {
    return isMethod(bytes, methodStart, methodEnd, 'OPTIONS') ? TARGET_VALID : TARGET_WRONG;
  }
  return authorityEnd(bytes, start, end) < 0 ? TARGET_WRONG : TARGET_VALID;
}

/** The offset of the authority in an absolute-form target, after `http://` or `https://`. -1: another form. */
export function authorityStart(bytes: Uint8Array, start: number, end: number): number {
  for (const scheme of ['http', 'https']) {
    const colon = start + scheme.length;
    if (colon + 3 > end || bytes[colon] !== COLON || !equalsIgnoringCase(bytes, start, colon, scheme)) continue;
    return bytes[colon + 1] === SLASH && bytes[colon + 2] === SLASH ? colon + 3 : -1;
  }
  return -1;
}

/** The end of that authority if it names a host, without userinfo (RFC 9110 section 4.2). -1: it does not. */
export function authorityEnd(bytes: Uint8Array, start: number, end: number): number {
  const from = authorityStart(bytes, start, end);
  if (from < 0) return -1;
  let at = from;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION_MARK) at++;
  return bytes[from] !== COLON && at > from && isHost(bytes, from, at) ? at : -1;
}

/** authority-form: a host and a mandatory port. */
function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = end;
  while (digits > start && isDigit(bytes[digits - 1] ?? 0)) digits--;
  const hasPort = digits < end && digits - 1 > start && bytes[digits - 1] === COLON;
  return hasPort && !bytes.subarray(start, end).includes(COMMERCIAL_AT) && isHost(bytes, start, end);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Methods are case-sensitive. */
function isMethod(bytes: Uint8Array, start: number, end: number, method: string): boolean {
  if (end - start !== method.length) return false;
  for (let i = 0; i < method.length; i++) if (bytes[start + i] !== method.charCodeAt(i)) return false;
  return true;
}

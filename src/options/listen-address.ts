// Listen addresses, as text, as an object and checked: an address and a port, the path of a Unix domain socket, or an
// inherited listening descriptor.

import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { DIGITS } from './digits.ts';
import { shown } from './problem.ts';

/** The address of a listener. */
export type ListenAddress = TcpAddress | UnixAddress | InheritedAddress;

export interface TcpAddress {
  /** A name or an address; `::` accepts IPv6 and IPv4. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface UnixAddress {
  /** The file of a Unix domain socket. */
  readonly path: string;
  /** Its permissions, as in chmod(2). Absent: what the umask leaves. */
  readonly mode?: number;
}

export interface InheritedAddress {
  /** A socket that another program opened and that is listening already. */
  readonly fd: number;
  /** In a worker: the number of the listener whose options it has. Absent: its own position. */
  readonly of?: number;
}

/** Options of one listener; absent ones are those of the server. */
export interface OwnListenerOptions {
  readonly backlog?: number | undefined;
  /** False, or `off` in a text: plaintext, although the server has certificates. */
  readonly tls?: boolean | undefined;
  /** Each connection begins with a header of the PROXY protocol, from one of `trustedProxies`. */
  readonly proxy?: boolean | undefined;
}

/**
 * One element of the option `listen`: a text such as `127.0.0.1:8080`, `unix:/run/x.sock?mode=660` or `systemd`, or an
 * object.
 */
export type ListenOption =
  | string
  | (OwnListenerOptions & { readonly host: string; readonly port: number | string })
  /** `mode`: 0o660 or `660`. */
  | (OwnListenerOptions & { readonly path: string; readonly mode?: number | string | undefined })
  | (OwnListenerOptions & { readonly fd: number });

/** A checked element. */
export interface CheckedListen {
  readonly address: ListenAddress;
  readonly options: { readonly backlog?: number; readonly proxy?: boolean };
  /** False: plaintext. Undefined: as the server does. */
  readonly tls: boolean | undefined;
}

/** The accepted forms of a text, for messages. */
export const LISTEN_FORMS = 'HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME]';

/** The largest port of TCP. */
export const MAX_PORT = 65_535;
/** The largest descriptor: an int of C. */
export const MAX_FD: number = 2 ** 31 - 1;

/** The permission bits of chmod(2), without set-user-ID, set-group-ID and sticky. */
const MAX_MODE = 0o777;

/** sun_path of unix(7) has 108 bytes, the last of which is NUL. */
const MAX_PATH_BYTES = 107;

/** The largest backlog of listen(2). */
export const MAX_BACKLOG = 65_535;

/** The names of {@link OwnListenerOptions} that need no value. */
const SWITCHES: readonly string[] = ['tls', 'proxy'];

/** The names of {@link OwnListenerOptions}. */
const OWN_OPTIONS: readonly string[] = ['backlog', ...SWITCHES];

const UNIX = 'unix:';
const FD = 'fd:';

/** An object whose values are unchecked. */
type Loose = Readonly<Record<string, unknown>>;

/** @throws Error whose text follows the name of the option: `must be ..., not ...`. */
export function checkListen(given: unknown): CheckedListen {
  const fail = (expected: string): never => {
    throw new Error(`must ${expected}, not ${shown(given)}`);
  };
  const parts = typeof given === 'string' ? partsOf(given) : isLoose(given) ? given : undefined;
  if (parts === undefined) return fail(`be ${LISTEN_FORMS}`);
  const { backlog: lengthGiven } = parts;
  const backlog = lengthGiven === undefined ? undefined : (number(lengthGiven, MAX_BACKLOG) ?? -1);
  if (backlog !== undefined && backlog < 1) return fail(`have a backlog from 1 to ${MAX_BACKLOG}`);
  const [tls, proxy] = SWITCHES.map((name) => switchOf(parts[name]) ?? fail(`have on or off as its ${name}`));
  const options = { ...(backlog === undefined ? {} : { backlog }), ...(proxy === 'on' ? { proxy: true } : {}) };
  return { address: addressOf(parts, fail), options, tls: tls === 'default' ? undefined : tls === 'on' };
}

/** Undefined: the value is none of a switch. One that is named without a value is on. */
function switchOf(value: unknown): 'on' | 'off' | 'default' | undefined {
  if (value === undefined) return 'default';
  if (value === true || value === 'true' || value === 'on' || value === '') return 'on';
  return value === false || value === 'false' || value === 'off' ? 'off' : undefined;
}

function addressOf(parts: Loose, fail: (expected: string) => never): ListenAddress {
  const names = Object.keys(parts).filter((name) => !OWN_OPTIONS.includes(name) && parts[name] !== undefined);
  const has = (...allowed: readonly string[]): boolean => names.every((name) => allowed.includes(name));
  const { host, port, path, mode, fd } = parts;
  if (path !== undefined && has('path', 'mode')) return unixAddress(path, mode, fail);
  if (fd !== undefined && has('fd')) return { fd: number(fd, MAX_FD) ?? fail('have the number of a descriptor') };
  if (host !== undefined && port !== undefined && has('host', 'port')) {
    if (typeof host !== 'string' || host === '') return fail('have a name or an address as its host');
    return { host, port: number(port, MAX_PORT) ?? fail(`have a port from 0 to ${MAX_PORT}`) };
  }
  return fail('have host and port, path (and mode), or fd, and nothing else but backlog, tls and proxy');
}

function unixAddress(given: unknown, mode: unknown, fail: (expected: string) => never): UnixAddress {
  if (typeof given !== 'string' || given === '' || given.includes('\0')) return fail('have a path without NUL');
  const path = resolve(given);
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) return fail(`have a path of at most ${MAX_PATH_BYTES} bytes (it has ${bytes})`);
  if (mode === undefined) return { path };
  return { path, mode: permissions(mode) ?? fail('have a mode of octal digits such as 660') };
}

/** Splits `host:port,backlog=8`, `host:port?backlog=8&proxy` and the other forms; undefined: no valid form. */
function partsOf(text: string): Loose | undefined {
  const [address, pairs] = splitOptions(text);
  const options: (readonly [string, string])[] = [];
  for (const pair of pairs) {
    const equals = SWITCHES.includes(pair) ? pair.length : pair.indexOf('=');
    const name = pair.slice(0, equals);
    if (equals < 1 || options.some(([other]) => other === name)) return undefined;
    options.push([name, pair.slice(equals + 1)]);
  }
  const parts = addressParts(address);
  if (parts === undefined || options.some(([name]) => Object.hasOwn(parts, name))) return undefined;
  return { ...parts, ...Object.fromEntries(options) };
}

/** The address, and the options behind it. */
function splitOptions(text: string): readonly [address: string, options: readonly string[]] {
  const question = text.indexOf('?');
  if (question >= 0) return [text.slice(0, question), text.slice(question + 1).split('&')];
  const [address = '', ...options] = text.split(',');
  return [address, options];
}

function addressParts(text: string): Loose | undefined {
  if (text.startsWith(UNIX)) return { path: text.slice(UNIX.length) };
  if (text.startsWith(FD)) return { fd: text.slice(FD.length) };
  const colon = text.lastIndexOf(':');
  if (colon < 1) return undefined;
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  if (!host.startsWith('[')) return host.includes(':') ? undefined : { host, port };
  const address = host.slice(1, -1);
  return host.endsWith(']') && isIPv6(address) ? { host: address, port } : undefined;
}

/** A whole number from 0, or its digits; undefined: neither. */
function number(given: unknown, max: number): number | undefined {
  const value = typeof given === 'string' && DIGITS.test(given) ? Number(given) : given;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : undefined;
}

/** A number as chmod(2) takes it, or octal digits; undefined: neither. */
function permissions(given: unknown): number | undefined {
  if (typeof given === 'string' && /^0?[0-7]{3}$/.test(given)) return Number.parseInt(given, 8);
  return typeof given === 'number' ? number(given, MAX_MODE) : undefined;
}

function isLoose(given: unknown): given is Loose {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

/** Makes a relative path absolute, starting at `folder`. */
export function rebaseListen(option: ListenOption, folder: string): ListenOption {
  if (typeof option !== 'string') return 'path' in option ? { ...option, path: resolve(folder, option.path) } : option;
  if (!option.startsWith(UNIX)) return option;
  const [address] = splitOptions(option);
  return UNIX + resolve(folder, address.slice(UNIX.length)) + option.slice(address.length);
}

/** The text form of an address: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/x.sock`, `fd:3`. */
export function listenText(address: ListenAddress): string {
  if ('path' in address) return UNIX + address.path;
  if ('fd' in address) return `${FD}${address.fd}`;
  return `${bracketed(address.host)}:${address.port}`;
}

/** A host as it is written in front of a port. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

// The arguments of `server.listen`, in all forms of node:net.

import { inspect } from 'node:util';
import { nodeError } from '../adapters/node/messages.ts';
import type { ListenAddress } from '../options/listen-address.ts';

/** The options that `listen` takes as an object. */
interface ListenFields {
  readonly port?: unknown;
  readonly host?: unknown;
  readonly path?: unknown;
  readonly fd?: unknown;
  readonly backlog?: unknown;
  readonly signal?: unknown;
  readonly readableAll?: unknown;
  readonly writableAll?: unknown;
  readonly reusePort?: unknown;
  readonly ipv6Only?: unknown;
  readonly _handle?: unknown;
  readonly handle?: unknown;
}

export interface ListenArguments {
  /** Null: a handle of libuv, which belongs to Node's own loop. */
  readonly address: ListenAddress | null;
  /** Undefined: the default. */
  readonly backlog: number | undefined;
  readonly isShared: boolean;
  readonly signal: AbortSignal | undefined;
  readonly callback: (() => void) | undefined;
}

const MAX_PORT = 65_535;
const ANYONE_READS = 0o444;
const ANYONE_WRITES = 0o222;
const OWNER = 0o700;

/** Any host: IPv6 and IPv4 where the system has both. */
export const ANY_HOST = '';

/** @throws as node:net does, with the same codes. */
export function listenArguments(given: readonly unknown[]): ListenArguments {
  const last = given.at(-1);
  // Its parameters are those of a listener of the event.
  const callback = typeof last === 'function' ? (last as () => void) : undefined;
  const values = callback === undefined ? given : given.slice(0, -1);
  const [first, second, third] = values;
  const isObject = typeof first === 'object' && first !== null;
  const fields: ListenFields = isObject ? first : positional(first, second);
  const backlog = numberOf(fields.backlog) ?? numberOf(second) ?? numberOf(third);
  return {
    address: addressOf(fields, isObject),
    backlog,
    isShared: fields.reusePort === true,
    signal: signalOf(fields.signal),
    callback,
  };
}

function positional(first: unknown, second: unknown): ListenFields {
  if (typeof first === 'string' && !isNumeric(first)) return { path: first };
  return { port: first ?? 0, host: typeof second === 'string' && !isNumeric(second) ? second : undefined };
}

function isNumeric(text: string): boolean {
  return text !== '' && Number.isFinite(Number(text)) && Number(text) >= 0;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0;
  return number > 0 ? number : undefined;
}

function addressOf(fields: ListenFields, isObject: boolean): ListenAddress | null {
  const { port, host, path, fd } = fields;
  if (typeof (fields._handle ?? fields.handle) === 'object') return null;
  if (typeof fd === 'number' && fd >= 0) return { fd };
  if (port === null || (port === undefined && 'port' in fields)) return { host: hostOf(host), port: 0 };
  if (typeof port === 'number' || typeof port === 'string') return { host: hostOf(host), port: portOf(port) };
  if (typeof path === 'string' && path !== '') return pathAddress(path, fields);
  if (isObject && !('port' in fields) && !('path' in fields)) {
    throw nodeError(
      'ERR_INVALID_ARG_VALUE',
      `The argument 'options' must have the property "port" or "path". Received ${inspect(fields)}`,
      TypeError,
    );
  }
  throw nodeError('ERR_INVALID_ARG_VALUE', "The argument 'options' is invalid.", TypeError);
}

function pathAddress(path: string, { readableAll, writableAll }: ListenFields): ListenAddress {
  if (readableAll !== true && writableAll !== true) return { path };
  const mode = OWNER | (readableAll === true ? ANYONE_READS : 0) | (writableAll === true ? ANYONE_WRITES : 0);
  return { path, mode };
}

function hostOf(host: unknown): string {
  return typeof host === 'string' ? host : ANY_HOST;
}

function portOf(port: string | number): number {
  const number = Number(port);
  const isPort = (typeof port === 'number' || port.trim() !== '') && Number.isInteger(number);
  if (isPort && number >= 0 && number <= MAX_PORT) return number;
  throw nodeError(
    'ERR_SOCKET_BAD_PORT',
    `options.port should be >= 0 and < 65536. Received type ${typeof port} (${typeof port === 'string' ? `'${port}'` : port}).`,
    RangeError,
  );
}

function signalOf(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  if (signal instanceof AbortSignal) return signal;
  throw nodeError(
    'ERR_INVALID_ARG_TYPE',
    'The "options.signal" property must be an instance of AbortSignal.',
    TypeError,
  );
}

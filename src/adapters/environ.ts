// The environ of PEP 3333: a dictionary that reads a key from the request when the key is read.

import { inspect } from 'node:util';
import { combineFields } from '../http/combined-fields.ts';
import type { HttpRequest, HttpResponse, RequestBody, TlsConnection } from '../http/handler.ts';
import { CGI_READERS, hasVariable, pathBelow, variableOfField } from './cgi-variables.ts';
import { concurrency } from './concurrency.ts';

/**
 * The environ of one request, with the keys of PEP 3333 and `HTTP_*` for each field. It behaves as an object without a
 * prototype that has all of its keys: it can be listed, copied, extended and changed.
 */
export interface Environ {
  /** The method as sent, such as `GET`. */
  readonly REQUEST_METHOD: string;
  /** The path at which the application is mounted; empty at the root. */
  readonly SCRIPT_NAME: string;
  /** The path below SCRIPT_NAME, percent-decoded. */
  readonly PATH_INFO: string;
  /** The part of the target after its first `?`, as sent; empty if there is none. */
  readonly QUERY_STRING: string;
  /** The field Content-Type; empty if it was not sent. */
  readonly CONTENT_TYPE: string;
  /** The field Content-Length, a decimal number of bytes; empty without content and for chunked content. */
  readonly CONTENT_LENGTH: string;
  /** The IP address that the client connected to; for a Unix domain socket, the requested host. */
  readonly SERVER_NAME: string;
  /** The port that the client connected to, as a decimal number; for a Unix domain socket, the requested port. */
  readonly SERVER_PORT: string;
  /** `HTTP/1.0` or `HTTP/1.1`. */
  readonly SERVER_PROTOCOL: string;
  /** The IP address of the client; empty for a Unix domain socket. */
  readonly REMOTE_ADDR: string;
  /** The port of the client, as a decimal number; empty for a Unix domain socket. */
  readonly REMOTE_PORT: string;
  /** The version of the interface. */
  readonly 'wsgi.version': readonly [1, 0];
  /** The scheme of the connection: `https` over TLS. What a proxy in front reports is in fields. */
  readonly 'wsgi.url_scheme': 'http' | 'https';
  /** `on` over TLS, as CGI programs expect. */
  readonly HTTPS?: 'on';
  /** The content of the request, read as it arrives. */
  readonly 'wsgi.input': RequestBody;
  /** The stream for error reports of the application. */
  readonly 'wsgi.errors': NodeJS.WritableStream;
  /** Other threads of this process run the application too: `offload`, the model multithread. */
  readonly 'wsgi.multithread': boolean;
  /** Other processes run the application too: `--workers`, the model multiprocess. */
  readonly 'wsgi.multiprocess': boolean;
  /** Always false: the application is called many times. */
  readonly 'wsgi.run_once': boolean;
  /** Aborts when the connection ends before the response does. */
  readonly 'epoll_server.signal': AbortSignal;
  /** How the connection is encrypted, and the client's certificate; null: it is not encrypted. */
  readonly 'epoll_server.tls': TlsConnection | null;
  /** The id of the request, with the option `requestIds`; else empty. */
  readonly 'epoll_server.request_id': string;
  /** Sends an interim response, such as 103 Early Hints, before the final one: see `HttpResponse.inform`. */
  readonly 'epoll_server.inform': HttpResponse['inform'];
  /** Fields, and keys that a middleware adds. */
  [name: string]: unknown;
}

/** `mountPath`: the path at which the application is mounted; empty: none. */
type Reader = (request: HttpRequest, mountPath: string, response: HttpResponse) => unknown;

/** The reader of each key that is not a field. Without a prototype, since the application chooses the keys. */
const READERS: Readonly<Record<string, Reader>> = Object.assign(Object.create(null), {
  ...CGI_READERS,
  PATH_INFO: (request, mountPath) => decodePath(pathBelow(request, mountPath)),
  CONTENT_LENGTH: (request) => request.header('content-length') ?? '',
  // A target in absolute-form names another host than the field, which is then to be ignored (RFC 9112 section 3.2.2).
  HTTP_HOST: (request) => (request.host === '' ? request.header('host') : request.host),
  'wsgi.version': () => [1, 0],
  'wsgi.url_scheme': (request) => request.scheme,
  'wsgi.input': (request) => request.body,
  'wsgi.errors': () => process.stderr,
  'wsgi.multithread': () => concurrency.isMultithread,
  'wsgi.multiprocess': () => concurrency.isMultiprocess,
  'wsgi.run_once': () => false,
  'epoll_server.signal': (request) => request.signal,
  'epoll_server.tls': ({ tls }) => tls,
  'epoll_server.request_id': (request) => request.id ?? '',
  'epoll_server.inform':
    (_request, _mountPath, response): HttpResponse['inform'] =>
    (status, fields) =>
      response.inform(status, fields),
} satisfies Readonly<Record<string, Reader>>);

const KEYS = Object.keys(READERS);

/** `console.log` looks behind a proxy, where most keys are not read yet: it is given all of them. */
const PROTOTYPE: object = Object.create(null, {
  [inspect.custom]: {
    value(this: object, _depth: number, options: object): string {
      return inspect({ ...this }, options);
    },
  },
});

/**
 * The environ of `request`, which must stay valid as long as the environ is held: see `HttpRequest.retain`.
 * `mountPath`: the path at which its application is mounted; empty: none.
 */
export function environOf(request: HttpRequest, response: HttpResponse, mountPath = ''): Environ {
  const values: Environ = Object.create(PROTOTYPE);
  return new Proxy(values, new EnvironTraps(request, response, mountPath));
}

class EnvironTraps implements ProxyHandler<Environ> {
  /** Null once all keys were read. */
  #request: HttpRequest | null;
  readonly #response: HttpResponse;
  readonly #mountPath: string;

  constructor(request: HttpRequest, response: HttpResponse, mountPath: string) {
    this.#request = request;
    this.#response = response;
    this.#mountPath = mountPath;
  }

  get(values: Environ, key: string | symbol): unknown {
    if (typeof key !== 'string') return Reflect.get(values, key);
    const value = values[key];
    if (value !== undefined || this.#request === null) return value;
    const found = this.#read(this.#request, key);
    if (found !== undefined) values[key] = found;
    return found;
  }

  has(values: Environ, key: string | symbol): boolean {
    if (typeof key !== 'string') return Reflect.has(values, key);
    return key in values || (this.#request !== null && this.#read(this.#request, key) !== undefined);
  }

  set(values: Environ, key: string | symbol, value: unknown): boolean {
    // A key may have been set to undefined, which differs from a key that was never read.
    if (value === undefined) this.#readAll(values);
    return Reflect.set(values, key, value);
  }

  deleteProperty(values: Environ, key: string | symbol): boolean {
    this.#readAll(values);
    return Reflect.deleteProperty(values, key);
  }

  defineProperty(values: Environ, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    this.#readAll(values);
    return Reflect.defineProperty(values, key, descriptor);
  }

  ownKeys(values: Environ): (string | symbol)[] {
    this.#readAll(values);
    return Reflect.ownKeys(values);
  }

  getOwnPropertyDescriptor(values: Environ, key: string | symbol): PropertyDescriptor | undefined {
    this.#readAll(values);
    return Reflect.getOwnPropertyDescriptor(values, key);
  }

  preventExtensions(values: Environ): boolean {
    this.#readAll(values);
    return Reflect.preventExtensions(values);
  }

  #read(request: HttpRequest, key: string): unknown {
    const reader = READERS[key];
    if (reader !== undefined) return reader(request, this.#mountPath, this.#response);
    if (!key.startsWith('HTTP_')) return undefined;
    const name = key.slice(5).replaceAll('_', '-').toLowerCase();
    // Only the key that `variableOfField` makes of a name stands for its field.
    return variableOfField(name) === key && hasVariable(name) ? request.header(name) : undefined;
  }

  #readAll(values: Environ): void {
    const request = this.#request;
    if (request === null) return;
    this.#request = null;
    for (const key of KEYS) {
      const value = values[key] ?? READERS[key]?.(request, this.#mountPath, this.#response);
      if (value !== undefined) values[key] = value;
    }
    for (const [name, value] of combineFields(request.headers())) {
      if (hasVariable(name)) values[variableOfField(name)] ??= value;
    }
  }
}

/** `path` percent-decoded as UTF-8; as sent if it is not valid UTF-8. */
function decodePath(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

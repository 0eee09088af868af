// The names that some options choose from.

/** The interfaces of applications. */
export const ADAPTERS = ['wsgi', 'fetch', 'node', 'raw'] as const;

/** The interface of an application: WSGI-style, fetch, an application of node:http, or a raw handler. */
export type AdapterName = (typeof ADAPTERS)[number];

/** Whether clients have to show a certificate. */
export const CLIENT_CERTIFICATES = ['optional', 'required'] as const;

export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

/** `common` and `combined` as Apache and nginx write them; `json` is one object a line. */
export const LOG_FORMATS = ['common', 'combined', 'json'] as const;

/** How access log lines look: `common` and `combined` as Apache and nginx write them; `json` is one object a line. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The fields in which proxies tell the client: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239). */
export const PROXY_FIELDS = ['x-forwarded', 'forwarded'] as const;

export type ProxyFields = (typeof PROXY_FIELDS)[number];

/** The models by which a program serves many clients, roughly in historical order. */
export const MODEL_NAMES = [
  'iterative',
  'multiprocess',
  'multithread',
  'coroutine',
  'nonblocking',
  'select',
  'poll',
  'epoll',
] as const;

export type ModelName = (typeof MODEL_NAMES)[number];

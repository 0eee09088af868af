// The messages between the loop's thread and a worker about one request, over a port of its own. Types only.

import type { MessagePort } from 'node:worker_threads';
import type { Endpoint, TlsConnection } from '../../http/handler.ts';
import type { AdapterName } from '../../options/choices.ts';

/** The request, without its content. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly id: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly scheme: 'http' | 'https';
  readonly tls: TlsConnection | null;
  /** In the order and case of the request. */
  readonly fields: readonly (readonly [string, string])[];
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** As `RequestBody.length`. */
  readonly bodyLength: number | undefined;
}

export type MessageFields = readonly (readonly [string, string])[];

/** The parts of an error that can be sent between threads. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code: string;
  /** Null: none. */
  readonly cause: Thrown | null;
  /** Of an AggregateError. */
  readonly errors: readonly Thrown[];
}

/** From the worker: actions of the handler. */
export type FromWorker =
  | { readonly type: 'inform'; readonly status: number; readonly fields: MessageFields }
  | {
      readonly type: 'send';
      readonly status: number;
      readonly reason: string | undefined;
      readonly fields: MessageFields;
      readonly content: string | Uint8Array;
    }
  | {
      readonly type: 'start';
      readonly status: number;
      readonly reason: string | undefined;
      readonly fields: MessageFields;
    }
  | { readonly type: 'write'; readonly content: string | Uint8Array }
  /** The thread blocks until the client has received enough: until `gate[0]` is 1. */
  | { readonly type: 'stalled'; readonly gate: Int32Array }
  | { readonly type: 'end'; readonly trailers: MessageFields }
  /** Answered by one `sent` message. */
  | { readonly type: 'whenSent' }
  /** A callback of `whenSent` threw. */
  | { readonly type: 'callbackFailed'; readonly thrown: Thrown }
  /** The callbacks of `whenSent` were called. */
  | { readonly type: 'called' }
  /** An upgrade to the protocol behind `port`, see {@link FromChannel}. */
  | {
      readonly type: 'upgrade';
      readonly reason: string | undefined;
      readonly fields: MessageFields;
      readonly port: MessagePort;
    }
  | { readonly type: 'abort' }
  /** The handler reads the body. Answered by `piece` or `unreadable`. */
  | { readonly type: 'read' }
  /** The handler has returned, and its promise has settled. */
  | { readonly type: 'done'; readonly thrown: Thrown | null };

/** To the worker: events of the connection. */
export type ToWorker =
  /** `trailers`: names as they were sent. */
  | { readonly type: 'piece'; readonly piece: Uint8Array<ArrayBuffer> | null; readonly trailers: MessageFields }
  | { readonly type: 'unreadable'; readonly thrown: Thrown }
  /** The client has received everything up to this weight. */
  | { readonly type: 'delivered'; readonly weight: number }
  /** Null: the whole response was sent. */
  | { readonly type: 'sent'; readonly thrown: Thrown | null }
  /** The client has finished sending, and may be gone: only `signal` aborts. */
  | { readonly type: 'left'; readonly reason: string }
  | { readonly type: 'gone'; readonly reason: string };

/** From a protocol in a worker to its connection. */
export type FromChannel =
  | { readonly type: 'write'; readonly bytes: Uint8Array }
  /** The protocol has used this many bytes of input. */
  | { readonly type: 'used'; readonly bytes: number }
  /** `INPUT_BATCH` messages of input were received. */
  | { readonly type: 'received' }
  /** Answered by `sent` with the same number. */
  | { readonly type: 'whenSent'; readonly id: number }
  | { readonly type: 'replacePeer'; readonly peer: Endpoint }
  | { readonly type: 'finish'; readonly unread: boolean }
  | { readonly type: 'abort'; readonly reason: string; readonly isTimeout: boolean }
  /** The protocol threw, or broke its contract. */
  | { readonly type: 'failed'; readonly thrown: Thrown };

/** To the protocol: events of its connection. */
export type ToChannel =
  | { readonly type: 'input'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The client has received everything up to this weight. */
  | { readonly type: 'delivered'; readonly weight: number }
  | { readonly type: 'sent'; readonly id: number; readonly isSent: boolean }
  | { readonly type: 'ending' | 'ended' | 'stop' | 'closed' }
  | { readonly type: 'refuse'; readonly status: number; readonly why: string }
  | { readonly type: 'aborted'; readonly reason: string; readonly isTimeout: boolean };

/** A task of the pool. */
export interface Task {
  /** MODULE[:NAME] */
  readonly application: string;
  /** The mount path; empty: none. */
  readonly mountPath: string;
  readonly overrideGlobals: boolean;
  readonly adapter: AdapterName | undefined;
  readonly loadTimeoutMs: number;
  /** As in {@link Concurrency}. */
  readonly isMultiprocess: boolean;
  /** Null: load the application, and report whether it loads. */
  readonly request: { readonly head: RequestHead; readonly port: MessagePort } | null;
}

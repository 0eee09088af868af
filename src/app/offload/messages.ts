// What the loop's thread and a worker say to each other about one request, over a port of its own. Types only.

import type { MessagePort } from 'node:worker_threads';
import type { Endpoint } from '../../http/handler.ts';
import type { AdapterName } from '../../options/choices.ts';

/** What a worker is given: everything of the request but its content. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly scheme: 'http' | 'https';
  /** In order and case as sent. */
  readonly fields: readonly (readonly [string, string])[];
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** As `RequestBody.length`. */
  readonly bodyLength: number | undefined;
}

export type MessageFields = readonly (readonly [string, string])[];

/** An error, as far as it survives the way between threads. */
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

/** From the worker: what the handler did. */
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
  /** The thread waits until the client has taken enough: until `gate[0]` is 1. */
  | { readonly type: 'stalled'; readonly gate: Int32Array }
  | { readonly type: 'end'; readonly trailers: MessageFields }
  /** Answered by `sent`, once. */
  | { readonly type: 'whenSent' }
  /** A callback of `whenSent` threw. */
  | { readonly type: 'callbackFailed'; readonly thrown: Thrown }
  /** The callbacks of `whenSent` were called. */
  | { readonly type: 'called' }
  /** The connection is to change its protocol: to the one behind `port`, see {@link FromChannel}. */
  | {
      readonly type: 'upgrade';
      readonly reason: string | undefined;
      readonly fields: MessageFields;
      readonly port: MessagePort;
    }
  | { readonly type: 'abort' }
  /** The handler reads: answered by `piece` or `unreadable`. */
  | { readonly type: 'read' }
  /** The handler returned, and its promise is settled. */
  | { readonly type: 'done'; readonly thrown: Thrown | null };

/** To the worker: what happens meanwhile. */
export type ToWorker =
  /** `trailers`: names as they were sent. */
  | { readonly type: 'piece'; readonly piece: Uint8Array<ArrayBuffer> | null; readonly trailers: MessageFields }
  | { readonly type: 'unreadable'; readonly thrown: Thrown }
  /** The client took what was written, up to this weight. */
  | { readonly type: 'taken'; readonly weight: number }
  /** Null: the whole answer was sent. */
  | { readonly type: 'sent'; readonly thrown: Thrown | null }
  /** The client has finished sending, and may be gone: only `signal` aborts. */
  | { readonly type: 'left'; readonly reason: string }
  | { readonly type: 'gone'; readonly reason: string };

/** From a protocol in a worker to its connection. */
export type FromChannel =
  | { readonly type: 'write'; readonly bytes: Uint8Array }
  /** So many bytes of input were used. */
  | { readonly type: 'used'; readonly bytes: number }
  /** As many messages of input as `INPUT_BATCH` says were received. */
  | { readonly type: 'received' }
  /** Answered by `sent` of the same number. */
  | { readonly type: 'whenSent'; readonly id: number }
  | { readonly type: 'replacePeer'; readonly peer: Endpoint }
  | { readonly type: 'finish'; readonly unread: boolean }
  | { readonly type: 'abort'; readonly reason: string; readonly isTimeout: boolean }
  /** The protocol threw, or broke its contract. */
  | { readonly type: 'failed'; readonly thrown: Thrown };

/** To it: what its connection says. */
export type ToChannel =
  | { readonly type: 'input'; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The client took what was written, up to this weight. */
  | { readonly type: 'taken'; readonly weight: number }
  | { readonly type: 'sent'; readonly id: number; readonly isSent: boolean }
  | { readonly type: 'ending' | 'ended' | 'stop' | 'closed' }
  | { readonly type: 'refuse'; readonly status: number; readonly why: string }
  | { readonly type: 'aborted'; readonly reason: string; readonly isTimeout: boolean };

/** What a task of the pool is. */
export interface Task {
  /** MODULE[:NAME] */
  readonly application: string;
  /** The path that it is mounted at; empty: none. */
  readonly mountPath: string;
  readonly overrideGlobals: boolean;
  readonly adapter: AdapterName | undefined;
  readonly loadTimeoutMs: number;
  /** As {@link Concurrency} has it. */
  readonly isMultiprocess: boolean;
  /** Null: load the application, and say whether that works. */
  readonly request: { readonly head: RequestHead; readonly port: MessagePort } | null;
}

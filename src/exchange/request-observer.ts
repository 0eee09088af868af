// The listener of the access log and the trace. A session without one pays nothing.

import type { Endpoint, HttpRequest, TlsConnection } from '../http/handler.ts';

/** One response that was sent, or cut off. */
export interface ResponseRecord {
  /** Null when its head was malformed (see `problem`). Valid during the call. */
  readonly request: HttpRequest | null;
  readonly remote: Endpoint;
  readonly status: number;
  /** Bytes of content that were handed to the kernel, without heads and chunk framing. */
  readonly contentBytes: number;
  /** From the last byte of the request head to the end of the response. */
  readonly durationMs: number;
  /** From the last byte of the request head to the first byte of the response; 0: it did not begin. */
  readonly firstByteMs: number;
  /** Why the request was rejected or the response cut off; empty: neither. */
  readonly problem: string;
}

export interface RequestObserver {
  /** Whether {@link requestHead} and {@link responseHead} are wanted, which cost a string each. */
  readonly wantsHeads: boolean;
  /** `tls`: null for plaintext. */
  connected(remote: Endpoint, tls: TlsConnection | null): void;
  disconnected(remote: Endpoint, receivedBytes: number, sentBytes: number): void;
  requestHead(remote: Endpoint, head: string): void;
  responseHead(remote: Endpoint, head: string): void;
  answered(record: ResponseRecord): void;
}

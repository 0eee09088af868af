// Who watches conversations: the access log and the trace. A session without an observer pays nothing.

import type { Endpoint, HttpRequest } from '../http/handler.ts';

/** One answer that was given, or cut off. */
export interface AnswerRecord {
  /** What was asked; null when it was no request (see `problem`). Valid during the call. */
  readonly request: HttpRequest | null;
  readonly remote: Endpoint;
  readonly status: number;
  /** Bytes of content that were handed to the kernel, heads and chunk framing not counted. */
  readonly contentBytes: number;
  /** From the request's last head byte to the end of the answer. */
  readonly durationMs: number;
  /** Why it was refused or cut off; empty for an answer in order. */
  readonly problem: string;
}

export interface Observer {
  /** Whether {@link requestHead} and {@link responseHead} are wanted, which cost a string each. */
  readonly wantsHeads: boolean;
  connected(remote: Endpoint): void;
  disconnected(remote: Endpoint, receivedBytes: number, sentBytes: number): void;
  requestHead(remote: Endpoint, head: string): void;
  responseHead(remote: Endpoint, head: string): void;
  answered(record: AnswerRecord): void;
}

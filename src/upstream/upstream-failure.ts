// Why an upstream gave no response: the status for the client, and what the error log says.

/** What was under way: waiting for a place, connecting, sending the request, or waiting for the response. */
export type UpstreamPhase = 'queue' | 'connect' | 'send' | 'first byte' | 'body';

export interface UpstreamFailure {
  /** 502: no valid response. 503: no room for the request. 504: no response in time. */
  readonly status: 502 | 503 | 504;
  readonly phase: UpstreamPhase;
  /** A phrase that follows a colon. */
  readonly why: string;
  /** Nothing shows that the request was handled: it may be sent again if its method is idempotent. */
  readonly isUnanswered?: boolean;
}

// What a response needs from the exchange that it is part of. It must not know how an answer is written.

import type { Connection } from '../connection/connection.ts';
import type { SessionContext } from './context.ts';
import type { Response } from './response.ts';

/** What a response asks of its session. */
export interface ResponseOwner {
  readonly connection: Connection;
  readonly context: SessionContext;
  /** Whether this answer is the connection's last. */
  closesAfter(response: Response): boolean;
  /** A head was written: `target[start, end)`. */
  headWritten(target: Buffer, start: number, end: number): void;
  /** The answer is complete. */
  answered(response: Response): void;
  /** The answer ends before its content does. */
  cutOff(response: Response, reason: string): void;
}

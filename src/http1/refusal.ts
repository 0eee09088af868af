// The answer to a client that is let in only to hear that there is no room: 503, without a conversation.

import { prepareFields } from '../http/fields.ts';
import { LENGTH } from '../http/response-head.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { SessionContext } from './context.ts';
import { writeAscii } from './text.ts';

const FIELDS = prepareFields({ 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': 1 });
const CONTENT = '503 Service Unavailable: this server has no room for another client\n';
const FRAMING = { kind: LENGTH, length: CONTENT.length, close: true, keepAlive: false };

/**
 * Answers 503 (RFC 9110 section 15.6.4) on a descriptor that nobody watches and that is closed next. What the
 * client sent so far is read away, so that closing does not answer with RST before it has seen this.
 */
export function refuse(kernel: Kernel, context: SessionContext, fd: number): void {
  context.counters.refused++;
  // Not in the kernel's arena: batched answers of other connections may lie there.
  const bytes = Buffer.alloc(context.headWriter.prepare(503, FIELDS, LENGTH, context.nowMs()) + CONTENT.length);
  const at = context.headWriter.write(bytes, 0, FRAMING);
  writeAscii(bytes, at, CONTENT);
  kernel.recv(fd, 0, kernel.receiveBytes);
  // The result is ignored: the descriptor is closed next in any case.
  kernel.send(fd, 0, 0, bytes.subarray(0, at + CONTENT.length));
  kernel.shutdown(fd);
}

// Error responses of the server itself: to requests that no handler serves, and to clients beyond `maxConnections`.

import type { Channel } from '../connection/channel.ts';
import { problemResponse, sendError } from '../http/error-response.ts';
import { precompileFields } from '../http/fields.ts';
import { LENGTH, NO_LINE } from '../http/response-head.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { SessionContext } from './context.ts';
import type { Http1Request } from './request.ts';
import { Http1Response, type ResponseOwner } from './response.ts';
import { writeAscii } from './text.ts';

const FIELDS = precompileFields({ 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': 1 });
const CONTENT = '503 Service Unavailable: this server has no room for another client\n';
const FRAMING = { kind: LENGTH, length: CONTENT.length, close: true, keepAlive: false, line: NO_LINE };

/** Sends `status` with `problem` as the last response of the connection. `request`: null when its head is unknown. */
export function writeRefusal(
  channel: Channel,
  context: SessionContext,
  status: number,
  problem: string,
  request: Http1Request | null,
): Http1Response {
  context.counters.refused++;
  const owner: ResponseOwner = {
    channel,
    context,
    isLast: true,
    mayCloseAfter: () => true,
    closesAfter: () => true,
    headWritten: (target, start, end) => {
      if (context.observer?.wantsHeads !== true) return;
      context.observer.responseHead(channel.peer, target.toString('latin1', start, end));
    },
    informed: () => {},
    answered: () => {},
    cutOff: () => {},
    upgradeProblem: () => 'the request was refused',
    upgraded: () => {},
  };
  const response = new Http1Response(owner, false, 1);
  if (request !== null) response.requestId = request.requestId ??= context.requestIds?.of(request) ?? null;
  sendError(request, response, problemResponse(status, problem));
  return response;
}

/**
 * Sends 503 (RFC 9110 section 15.6.4) on a descriptor that no poller watches and that is closed next. Bytes that the
 * client has sent are read first. Otherwise close(2) would send RST, which may destroy the response before the client
 * reads it.
 */
export function refuseUnwatched(kernel: Kernel, context: SessionContext, fd: number): void {
  context.counters.refused++;
  // The arena of the kernel may hold batched responses of other connections.
  const bytes = Buffer.alloc(context.headWriter.prepare(503, FIELDS, LENGTH, context.nowMs()) + CONTENT.length);
  const at = context.headWriter.write(bytes, 0, FRAMING);
  writeAscii(bytes, at, CONTENT);
  kernel.recv(fd, 0, kernel.receiveBytes);
  // The result is ignored: the descriptor is closed next in any case.
  kernel.send(fd, 0, 0, bytes.subarray(0, at + CONTENT.length));
  kernel.shutdown(fd);
}

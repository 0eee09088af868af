// A request without a connection, for tests of code that reads requests.

import { MessageChannel } from 'node:worker_threads';
import { RemoteRequest } from '../../src/app/offload/remote-request.ts';
import { RemoteResponse } from '../../src/app/offload/remote-response.ts';

/** The thread of the connection, which has gone. Each open port would slow down every later test of this process. */
const { port1: CLOSED_PORT } = new MessageChannel();
CLOSED_PORT.close();

/** A GET of `target` with these fields, names in lower case. */
export function givenRequest(target: string, fields: readonly (readonly [string, string])[] = []): RemoteRequest {
  const end = { address: '127.0.0.1', port: 80 };
  const host = fields.find(([name]) => name === 'host')?.[1] ?? '';
  const [path = '', query = ''] = target.split('?');
  const head = {
    method: 'GET',
    target,
    path,
    query,
    host,
    httpVersion: '1.1',
    scheme: 'http',
    tls: null,
    id: '',
    fields,
  } as const;
  return new RemoteRequest({ ...head, bodyLength: 0, remote: end, local: end }, CLOSED_PORT);
}

/** A response to it that reaches no client. */
export function givenResponse(request: RemoteRequest): RemoteResponse {
  return new RemoteResponse(CLOSED_PORT, request);
}

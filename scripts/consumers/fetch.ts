// Fetch handlers without a framework: the Request is the global one, the Response is the global one or the package's.

import { type FetchFunction, type ServeOptions, type Server, serve } from 'epoll-server';
import {
  fetchHandler,
  Headers as LightHeaders,
  Request as LightRequest,
  Response as LightResponse,
} from 'epoll-server/fetch';

const respond = (request: Request): Response => new Response(request.body, { headers: request.headers });

export const options: readonly ServeOptions[] = [
  { fetch: respond },
  { fetch: async (request) => Response.json(await request.json()) },
  { fetch: async (request: Request): Promise<Response> => fetch(request) },
  { fetch: async (request) => new Response(String((await request.formData()).get('name'))) },
  { fetch: (request, { remote }) => new LightResponse(`${remote.address} ${request.url}`) },
  { fetch: (request) => new LightResponse(request.body, { headers: new LightHeaders(request.headers) }) },
  { fetch: (request) => new LightResponse(new LightRequest(request).url, { headers: request.headers }) },
];

const typed: FetchFunction = async (request) => {
  for await (const piece of request.body ?? []) if (piece.byteLength === 0) break;
  return new Response(request.signal.aborted ? null : 'x');
};

export const handlers = [fetchHandler(respond), fetchHandler(typed), fetchHandler({ fetch: respond })];
export const server: Server = await serve({ port: 0, fetch: typed });

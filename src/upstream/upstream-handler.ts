// The handler that gives requests to another program. A request is read completely before the program sees it, and its
// response is taken as fast as the program writes it, so that slow clients hold no worker of it.

import { EpollServerError } from '../errors.ts';
import { problemResponse, sendError, UNAVAILABLE } from '../http/error-response.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { withTraits } from '../http/handler-traits.ts';
import { SERVED_BY } from '../http/served-by.ts';
import { Relay } from './relay.ts';
import { RequestContent } from './request-content.ts';
import { Upstream, type UpstreamContext, type UpstreamOptions } from './upstream.ts';
import { uwsgiPacket } from './uwsgi-packet.ts';

const VARIABLES_TOO_LARGE = problemResponse(
  431,
  'the fields of the request are too large for the application behind this server',
);

/** Gives each request to the program at `options.address`, which speaks uwsgi. */
export function upstreamHandler(options: UpstreamOptions, context: UpstreamContext): Handler {
  return handlerBelow('', new Upstream(options, context));
}

/** The handler below `mountPath`, which is the application's SCRIPT_NAME. */
function handlerBelow(mountPath: string, upstream: Upstream): Handler {
  const handler: Handler = (request, response) => {
    request.retain();
    request.servedBy = SERVED_BY.UPSTREAM;
    if (request.body.length !== 0) return relayContent(upstream, mountPath, request, response);
    return relay(upstream, mountPath, request, response, null);
  };
  return withTraits(handler, { mountedAt: (path) => handlerBelow(path, upstream) });
}

/** Reads the content of the request first. The promise rejects as that of the body does, and stays pending otherwise. */
function relayContent(
  upstream: Upstream,
  mountPath: string,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const content = new RequestContent(upstream.context.space);
  return new Promise((_resolve, reject) => {
    content.readAll(request.body).then(
      () => relay(upstream, mountPath, request, response, content),
      (error: unknown) => {
        content.close();
        if (!(error instanceof EpollServerError) || error.code !== 'ERR_UPSTREAM') return reject(error);
        upstream.context.onError(error, request);
        sendError(request, response, UNAVAILABLE);
      },
    );
  });
}

function relay(
  upstream: Upstream,
  mountPath: string,
  request: HttpRequest,
  response: HttpResponse,
  content: RequestContent | null,
): void {
  if (response.ended) return content?.close();
  const inMemory = content === null ? null : content.bytes;
  const room = inMemory === null ? 0 : inMemory.length;
  const packet = uwsgiPacket(request, mountPath, content === null ? -1 : content.length, room);
  if (packet === null) {
    content?.close();
    sendError(request, response, VARIABLES_TOO_LARGE);
    return;
  }
  if (inMemory !== null) packet.set(inMemory, packet.length - room);
  new Relay(upstream, request, response, packet, inMemory === null ? content : null).start();
}

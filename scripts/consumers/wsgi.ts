// A WSGI-style application.

import type { Environ, Handler, StartResponse, WsgiApplication } from 'epoll-server';
import { wsgi, wsgiValidator } from 'epoll-server/wsgi';

export function application(environ: Environ, startResponse: StartResponse): string[] {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [environ.PATH_INFO, environ['wsgi.url_scheme']];
}

const pieces: WsgiApplication = async function* (environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'application/octet-stream']])(new Uint8Array(1));
  for await (const piece of environ['wsgi.input']) yield piece;
};

export const handlers: Handler[] = [wsgi(application), wsgi(wsgiValidator(pieces))];

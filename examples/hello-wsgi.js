// A WSGI-style application: node dist/epoll-server.js 9000 examples/hello-wsgi.js

/** `environ` has the keys of PEP 3333; what is returned is the body: text, bytes, or pieces of them, now or later. */
export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return `Hello from ${environ.PATH_INFO}\n`;
}

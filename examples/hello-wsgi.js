// A WSGI-style application: node dist/epoll-server.js 9000 examples/hello-wsgi.js

/**
 * `environ` has the keys of PEP 3333. The body is the return value: text, bytes, or an iterable of them, also
 * asynchronous.
 */
export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return `Hello from ${environ.PATH_INFO}\n`;
}

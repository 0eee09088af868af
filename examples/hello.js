// A WSGI-style application: node dist/epoll-server.js 9000 examples/hello.js:application

export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']]);
  return `Hello from ${environ.PATH_INFO}\n`;
}

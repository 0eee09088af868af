// The WSGI-style application of the soak.
export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`from wsgi ${environ.REQUEST_METHOD}`];
}

// A module of a dynamic folder, for the fuzz run.
export function application(environ, startResponse) {
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return [`clock ${environ.QUERY_STRING}\n`];
}

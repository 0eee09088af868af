// Why a test that passes over node:http may fail over this server: each reason holds for every server that is not
// node:http itself. By suite: the beginning of a test's title, and the reason.

const ONE_AT_A_TIME =
  'the second of two pipelined requests is to have begun when the first one closes the server. This server hands a ' +
  'request of a connection to the application when the one before is answered, which RFC 9112 section 9.3.2 leaves to ' +
  'the server; node:http hands over all that have arrived';

export const REASONS = {
  express: [],
  koa: [],
  hono: [],
  fastify: [['test/close-pipelining.test.js: Should return 503 while closing - pipelining', ONE_AT_A_TIME]],
  ws: [],
};

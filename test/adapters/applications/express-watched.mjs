// An Express application that shows its messages to `watch`, for test/adapters/node/leaving.test.ts.

import { createRequire } from 'node:module';
import express from 'express';

export const onFinished = createRequire(createRequire(import.meta.url).resolve('express'))('on-finished');

export function makeExpress(watch, answer) {
  const application = express();
  application.use((request, response, next) => {
    watch(request, response);
    next();
  });
  application.post('/echo', express.text({ type: () => true }), (request, response) => {
    response.send(String(request.body));
  });
  application.use(answer);
  // Its four parameters make it a handler of errors: what the parser says of a client that left.
  application.use((_error, _request, response, _next) => response.destroy());
  return application;
}

#!/usr/bin/env node

// Coroutine: one generator for each client, as if it were the only one.
//
// How it works: `conversation` below is straight-line code for one client. Where it would block, it yields the event
// that it waits for. The generator keeps its local variables until the event comes. The reactor waits for the events of
// all clients at once and resumes the generators that are ready (connection/coroutine.ts is the scheduler).
//
// Good for: protocols with many steps, which are hard to follow as callbacks. Where it breaks: in the same places as
// the epoll model. The generators also cost memory, and a resumption for each event.
//
//   node dist/coroutine-server.js [PORT] [FOLDER | MODULE:NAME]

import { serveAdministered } from './admin/administered-server.ts';
import { main } from './cli/program.ts';
import { CoroutineClient, readable, type Wait, writable } from './connection/coroutine.ts';

void main(process.argv.slice(2), {
  name: 'coroutine',
  start: (setup) =>
    serveAdministered(setup, {
      connect: (context, fd, generation) => new CoroutineClient(context, fd, generation, conversation),
    }),
});

/** Serves one client until its connection ends. */
function* conversation(client: CoroutineClient): Generator<Wait, void, void> {
  while (!client.isGone) {
    // Backpressure: while output is pending, the client is not read.
    if (client.hasPendingOutput) yield writable;
    else yield readable;
    client.receiveAndAnswer();
  }
}

#!/usr/bin/env node
// Coroutine: one generator for each client, written as if it were alone.
//
// How it works: `conversation` below is straight-line code for one client. Where it would have to wait, it
// yields what it waits for, and is left there, with its local variables, as a generator; the reactor waits for
// everyone at once and goes on with whoever can (connection/coroutine.ts is the scheduler). A thread for each
// client, as it were, without the threads.
//
// Good for: protocols with many steps, which as callbacks fall to pieces. Where it breaks: nowhere that the
// callbacks of the epoll model would not; the generators cost memory and a resumption for each event.
//
//   node dist/coroutine-server.js [PORT] [FOLDER | MODULE:NAME]

import { main } from './cli/program.ts';
import { CoroutineClient, readable, type Wait, writable } from './connection/coroutine.ts';
import { serveReactor } from './server/server.ts';

void main(process.argv.slice(2), {
  name: 'coroutine',
  start: (setup) =>
    serveReactor(setup, {
      connect: (context, fd, generation) => new CoroutineClient(context, fd, generation, conversation),
    }),
});

/** A client's whole conversation. */
function* conversation(client: CoroutineClient): Generator<Wait, void, void> {
  while (!client.isGone) {
    // While output is pending, the client is not read: it would only ask for more.
    if (client.hasPendingOutput) yield writable;
    else yield readable;
    client.receiveAndAnswer();
  }
}

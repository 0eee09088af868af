// A handler on a simulated machine, in virtual time: one client reads slowly, one half-closes its connection, and one
// disconnects in the middle.
import { simulate } from 'epoll-server/testing';

let gone = 0;
const site = simulate({
  seed: 1,
  faults: { shortSend: 'frequent', partialReceive: 'frequent' },
  handler: async (request, response) => {
    request.whenGone(() => gone++);
    await site.clock.sleep(1_000); // virtual milliseconds
    response.send(200, {}, 'x'.repeat(10_000));
  },
});

const ask = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const slow = site.connect().send(ask);
slow.readRate = { bytes: 100, everyMs: 50 };
const halfClosed = site.connect().send(ask).finish();
const leaving = site.connect().send(ask);
await site.runFor(500);
leaving.reset();
await site.runFor(60_000);
console.log(`slow: ${slow.received.length} bytes, half-closed: ${halfClosed.received.length} bytes, gone: ${gone}`);

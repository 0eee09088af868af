// Sends the time every second until the client disconnects:
//   node dist/epoll-server.js 9000 examples/server-sent-events.js
//   curl -N http://127.0.0.1:9000/          (?every=100 for ten a second)

const MIN_EVERY_MS = 10;
/**
 * setInterval takes at most 2 ** 31 - 1 ms and fires after 1 ms beyond that; proxies close a stream after a silent
 * minute.
 */
const MAX_EVERY_MS = 30_000;

/** The interval of the query, within limits; a second if it is not a number. */
function everyMs(url) {
  const wanted = Number(new URL(url).searchParams.get('every')) || 1_000;
  return Math.min(Math.max(wanted, MIN_EVERY_MS), MAX_EVERY_MS);
}

export default {
  fetch(request) {
    const every = everyMs(request.url);
    let timer;
    const stream = new ReadableStream({
      start(controller) {
        const tell = () => controller.enqueue(Buffer.from(`data: ${new Date().toISOString()}\n\n`));
        tell();
        timer = setInterval(() => controller.desiredSize > 0 && tell(), every);
      },
      // The client disconnected.
      cancel: () => clearInterval(timer),
    });
    return new Response(stream, { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } });
  },
};

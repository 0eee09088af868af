// The time, every second, for as long as somebody looks: node dist/epoll-server.js 9000 examples/server-sent-events.js
//   curl -N http://127.0.0.1:9000/          (?every=100 for ten a second)

const MIN_EVERY_MS = 10;

export default {
  fetch(request) {
    const every = Math.max(Number(new URL(request.url).searchParams.get('every') ?? 1000) || 1000, MIN_EVERY_MS);
    let timer;
    const stream = new ReadableStream({
      start(controller) {
        const tell = () => controller.enqueue(Buffer.from(`data: ${new Date().toISOString()}\n\n`));
        tell();
        timer = setInterval(() => controller.desiredSize > 0 && tell(), every);
      },
      // The client left.
      cancel: () => clearInterval(timer),
    });
    return new Response(stream, { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' } });
  },
};

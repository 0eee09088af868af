// A server that shuts down in the way that the path names: /exit, /exit-later, /close, /close-now.
import { serve } from '../../../dist/index.js';

function closeWith(options) {
  void server.close(options).then(() => {
    process.stdout.write('closed\n');
    // A resource that is still referenced keeps the process alive.
    process.stdout.write(`${JSON.stringify(process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap'))}\n`);
  });
}

const ENDINGS = {
  '/exit': () => process.exit(0),
  '/exit-later': () => setTimeout(() => process.exit(0), 1),
  '/exit-from-promise': () => void Promise.resolve().then(() => process.exit(0)),
  '/close': () => closeWith(),
  '/close-now': () => closeWith({ now: true }),
};

const server = await serve({
  port: 0,
  handler: (request, response) => {
    response.send(200, {}, 'answer');
    ENDINGS[request.path]?.();
  },
});
process.stdout.write(`${server.port}\n`);

// A fetch application, as Bun and Deno run it: node dist/epoll-server.js 9000 examples/hello-fetch.js

export default {
  fetch(request) {
    return new Response(`Hello from ${new URL(request.url).pathname}\n`);
  },
};

// The site of examples/conformance.js in Bun.serve.
//   bun bun.js PORT
const LETTERS = [...'abcdefghij'].map((letter) => letter.repeat(1000));

async function* letters() {
  for (const piece of LETTERS) yield piece;
}

const ROUTES = {
  '/hello': () => new Response('hello\n'),
  '/echo': async (request) => new Response(await request.arrayBuffer()),
  '/inspect': async (request, url) => {
    const { byteLength: bodyLength } = await request.arrayBuffer();
    const target = url.pathname + url.search;
    return Response.json({ method: request.method, target, headers: [...request.headers], bodyLength });
  },
  '/stream': () => new Response(letters()),
  '/slow': async (_request, url) => {
    await Bun.sleep(Number(url.searchParams.get('ms')));
    return new Response('slow\n');
  },
  '/bytes': (_request, url) => new Response('x'.repeat(Number(url.searchParams.get('n')))),
  '/ignore': () => new Response('ignored\n'),
  '/setheader': (request) =>
    new Response('set\n', { headers: { 'X-Val': decodeURIComponent(request.url.split('v=')[1]) } }),
  '/status/204': () => new Response(null, { status: 204 }),
  '/status/304': () => new Response(null, { status: 304 }),
  '/throw': () => {
    throw new Error('this route always throws');
  },
};

const server = Bun.serve({
  port: Number(process.argv[2]),
  hostname: '127.0.0.1',
  development: false,
  error: () => new Response('failed', { status: 500 }),
  fetch(request) {
    const url = new URL(request.url);
    return (ROUTES[url.pathname] ?? ROUTES['/hello'])(request, url);
  },
});
console.log(`http://127.0.0.1:${server.port}/hello`);

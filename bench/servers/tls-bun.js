// Bun as a server of bench/tls.js: bun tls-bun.js FOLDER. The folder is that of bench/servers/tls.js.

const folder = process.argv[2];
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  idleTimeout: 0,
  tls: { cert: Bun.file(`${folder}/cert.pem`), key: Bun.file(`${folder}/key.pem`) },
  fetch: (request) =>
    new URL(request.url).pathname === '/text'
      ? new Response('Hello\n')
      : new Response(Bun.file(`${folder}/public/mib.bin`)),
});
process.stdout.write(`PORT ${server.port}\n`);
process.stdin.on('data', (bytes) => {
  if (`${bytes}` === 'gc\n') Bun.gc(true);
  process.stdout.write('{}\n');
});

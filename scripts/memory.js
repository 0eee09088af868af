// Finds errors that only a memory checker or very many requests reveal. Runs the tests that use the addon most under
// AddressSanitizer and UndefinedBehaviorSanitizer. Then sends a million requests, after which heap and descriptors have
// to be as before. Run by `npm run check:memory`; needs g++ and its sanitizers.
import { spawn } from 'node:child_process';
import { SanitizedCopy } from './sanitized.js';

/** Tests that call the addon directly or use it most, and do not depend on timers: the sanitizers are slow. */
const TESTS = [
  'test/kernel',
  'test/contract',
  'test/connection',
  'test/reactor',
  'test/http1/order.test.ts',
  'test/http1/request.test.ts',
  'test/http1/request-body.test.ts',
  'test/http1/response.test.ts',
  'test/http1/misuse.test.ts',
  'test/files/changing-files.test.ts',
  'test/files/confinement.test.ts',
  'test/files/ranges.test.ts',
  'test/files/static-files.test.ts',
  'test/life/hooks.test.ts',
  'test/life/pool.test.ts',
  'test/life/several.test.ts',
  'test/life/workers.test.ts',
  'test/tls',
];
const REQUESTS = 1_000_000;
/** The allowed growth of a collected heap: inline caches and optimised code, not requests. */
const MAX_GROWTH_BYTES = 1_048_576;
const SERVER = `
  const { serve } = await import(process.argv[1]);
  const { readdirSync } = await import('node:fs');
  const s = await serve({ port: 0, handler: (q, r) => r.send(200, { 'X-Of': q.header('host') }, q.query) });
  console.log('port ' + s.port);
  process.stdin.on('data', async () => {
    for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 20)); }
    const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
    const { connections, requests } = s.stats();
    const openConnections = connections.open;
    console.log('state ' + JSON.stringify({ heapUsed, external, arrayBuffers, rss, openConnections, requests: requests.handled, descriptors: readdirSync('/proc/self/fd').length }));
  });`;

const CLIENT = `
  import { connect } from 'node:net';
  const [port, total] = process.argv.slice(1).map(Number);
  const burst = ('GET /?' + 'n'.repeat(20) + ' HTTP/1.1\\r\\nHost: memory\\r\\n\\r\\n').repeat(100);
  let sent = 0;
  const one = () => new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let responses = 0;
    socket.on('connect', () => socket.write(burst));
    socket.on('data', (bytes) => {
      responses += bytes.toString('latin1').split('HTTP/1.1 200').length - 1;
      if (responses >= 100) socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    socket.on('close', resolve);
  });
  await Promise.all(Array.from({ length: 8 }, async () => { while (sent < total) { sent += 100; await one(); } }));`;

function matchIn(child, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (bytes) => {
      text += bytes;
      const found = pattern.exec(text);
      if (found === null) return;
      child.stdout.off('data', onData);
      resolve(found[1]);
    };
    child.stdout.on('data', onData);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

function sendRequests(port, requests) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CLIENT, port, `${requests}`], {
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('exit', resolve));
}

/** Compares heap, buffers, connections and descriptors after warm-up with those after a million more requests. */
async function millionRequests() {
  const index = new URL('../dist/index.js', import.meta.url).href;
  const server = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', SERVER, index], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const port = await matchIn(server, /port (\d+)/);
  const state = async () => {
    const state = matchIn(server, /^state (\{.*\})$/m);
    server.stdin.write('?');
    return JSON.parse(await state);
  };
  await sendRequests(port, REQUESTS / 4);
  const before = await state();
  await sendRequests(port, REQUESTS);
  const after = await state();
  server.removeAllListeners('exit');
  server.kill();
  const grown = (name) => after[name] - before[name];
  const problems = [
    ...(after.openConnections === 0 ? [] : [`${after.openConnections} connections open`]),
    ...(grown('descriptors') <= 0 ? [] : [`${grown('descriptors')} more descriptors`]),
    ...(grown('heapUsed') + grown('external') < MAX_GROWTH_BYTES ? [] : ['the heap grew']),
  ];
  const sent = after.requests - before.requests;
  process.stdout.write(
    `${sent} requests: heap ${grown('heapUsed')}, external ${grown('external')}, array buffers ${grown('arrayBuffers')}, resident ${grown('rss')} bytes more; ${grown('descriptors')} descriptors more, ${after.openConnections} connections open\n`,
  );
  if (problems.length === 0) return;
  process.stdout.write(`FAILED: ${problems.join(', ')}\n`);
  process.exit(1);
}

process.stdout.write('== the addon with AddressSanitizer and UndefinedBehaviorSanitizer\n');
const copy = new SanitizedCopy('memory', ['asan', 'ubsan'], {
  // Leaks at exit belong to Node.js; our leaks show in the million requests.
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
});
await copy.compile(['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined']);
const { isPassed, output } = copy.test(TESTS);
process.stdout.write(isPassed ? `${output}\n` : `${output}\nFAILED\n`);
if (!isPassed) process.exit(1);
process.stdout.write(`== ${REQUESTS.toLocaleString('en')} requests\n`);
await millionRequests();
copy.remove();
process.stdout.write('== no leak, no error\n');

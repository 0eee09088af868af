// The cases of the benchmark: how each server starts and which response it has to send.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlledChild, find, run } from './children.js';
import { findNginx, startNginx } from './nginx.js';
import { HEADS, targetsOf, writeRequests } from './requests.js';
import { FILE_COUNT, WORKLOADS } from './workloads.js';

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
/** The response of the echo to the requests of `targetsOf`: all of them have this length. */
const ECHOED = Buffer.from('name=123456');
const PLAIN_FIELDS = 'content-length content-type date';
const NGINX_FIELDS = 'connection content-length content-type date server';
const ECHO_LOCATION = 'location / { default_type "text/plain; charset=utf-8"; return 200 $args; }';

export function serverPath(name) {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}

/** A scratch folder that is removed at exit. */
export function makeScratch() {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The servers of the cases `wanted`, as far as they are installed. */
export async function prepareServers(wanted, say) {
  const scratch = makeScratch();
  const [floor, nginx] = [await compileFloor(scratch, say), findNginx()];
  if (nginx === null) say('skipping nginx: it is not installed (Debian: apt install nginx-light)');
  const servers = [];
  if (wanted.includes('plaintext')) servers.push(...plaintextServers(scratch, floor, nginx));
  if (wanted.includes('static')) servers.push(...staticServers(scratch, floor, nginx));
  return servers;
}

/** All echo the query, except the C floor, whose response is always the same. */
function plaintextServers(scratch, floor, nginx) {
  const common = { caseName: 'plaintext', path: '/', requests: requestsOf(scratch, 'plaintext') };
  const echo = { ...common, mode: 'echo', fields: PLAIN_FIELDS };
  const servers = [{ ...echo, name: 'epoll-server', ...node('plaintext.js'), counts: true }];
  if (floor !== null) servers.push(floorServer(floor, common, ECHOED));
  if (nginx !== null) {
    const start = () => startNginx(nginx, scratch, scratch, ECHO_LOCATION);
    servers.push({ ...echo, name: 'nginx', start, fields: NGINX_FIELDS });
  }
  servers.push({ ...echo, name: 'node:http', ...node('node-http.js') });
  return servers;
}

/** nginx and this server serve files. node:http keeps them in memory; the response of the C floor has their size. */
function staticServers(scratch, floor, nginx) {
  for (let i = 0; i < FILE_COUNT; i++) writeFileSync(join(scratch, `k${i}.txt`), KIB);
  const common = { caseName: 'static', path: '/k0.txt', requests: requestsOf(scratch, 'file') };
  const file = { ...common, mode: `${KIB.length}`, content: KIB };
  const servers = [{ ...file, name: 'epoll-server', ...node('static.js', scratch), counts: true }];
  if (floor !== null) servers.push(floorServer(floor, common, KIB));
  if (nginx !== null) servers.push({ ...file, name: 'nginx', start: () => startNginx(nginx, scratch, scratch) });
  servers.push({ ...file, name: 'node:http', ...node('node-http.js', scratch) });
  return servers;
}

function floorServer(command, common, content) {
  return { ...common, name: 'C floor', command, args: [content.toString()], mode: `${content.length}`, content };
}

function node(file, ...args) {
  return { command: process.execPath, args: [serverPath(file), ...args], isNode: true };
}

/** The folders of prepared requests of a workload, by heads. */
function requestsOf(scratch, workload) {
  const { targetOf } = WORKLOADS[workload];
  const write = (heads) => writeRequests(scratch, workload, heads, (client) => targetsOf(targetOf, heads, client));
  return Object.fromEntries(HEADS.map((heads) => [heads, write(heads)]));
}

async function compileFloor(folder, say) {
  const cc = find('cc');
  if (cc === null) {
    say('skipping the C floor: there is no C compiler (cc)');
    return null;
  }
  const program = join(folder, 'floor');
  const source = fileURLToPath(new URL('../src/tools/compare/peers/floor.c', import.meta.url));
  const { code, stderr } = await run(cc, ['-O2', '-o', program, source], { limitMs: 60_000 });
  if (code === 0) return program;
  say(`skipping the C floor: cc failed: ${stderr.split('\n')[0]}`);
  return null;
}

/** Starts a server and waits for its port. */
export async function startServer(server, options) {
  if (server.start !== undefined) return server.start();
  const { name, command, args } = server;
  const child = new ControlledChild(name, command, args, options);
  const line = await child.line();
  child.port = Number(/^PORT (\d+)$/.exec(line)?.[1]);
  if (!(child.port > 0)) throw new Error(`${name} printed "${line}" instead of its port`);
  return child;
}

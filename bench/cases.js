// What is measured: how each server starts and what it must answer.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { find, run, Talker } from './children.js';
import { findNginx, startNginx } from './nginx.js';
import { HEADS, targetsOf, writeRequests } from './requests.js';
import { FILE_COUNT, WORKLOADS } from './workloads.js';

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));
/** What the echo answers to the requests of `targetsOf`, as long as all its answers. */
const ECHOED = Buffer.from('name=123456');
const PLAIN_FIELDS = 'content-length content-type date';
const NGINX_FIELDS = 'connection content-length content-type date server';
const ECHO_LOCATION = 'location / { default_type "text/plain; charset=utf-8"; return 200 $args; }';

export function serverPath(name) {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}

/** A scratch folder that is removed at the end. */
export function makeScratch() {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The servers of the cases `wanted`, each case with those that can be had here. */
export async function prepareServers(wanted, say) {
  const scratch = makeScratch();
  const [floor, nginx] = [await compileFloor(scratch, say), findNginx()];
  if (nginx === null) say('nginx is not installed (Debian: apt install nginx-light): it is left out');
  const servers = [];
  if (wanted.includes('plaintext')) servers.push(...plaintextServers(scratch, floor, nginx));
  if (wanted.includes('static')) servers.push(...staticServers(scratch, floor, nginx));
  return servers;
}

/** All echo the query, but for the floor, whose answer is always the same. */
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

/** nginx and this server serve files; node:http holds them in memory, and the floor's answer has their size. */
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

/** The folders of requests of a workload, by heads. */
function requestsOf(scratch, workload) {
  const { targetOf } = WORKLOADS[workload];
  const write = (heads) => writeRequests(scratch, workload, heads, (client) => targetsOf(targetOf, heads, client));
  return Object.fromEntries(HEADS.map((heads) => [heads, write(heads)]));
}

async function compileFloor(folder, say) {
  const cc = find('cc');
  if (cc === null) {
    say('no C compiler (cc): the C floor is left out');
    return null;
  }
  const program = join(folder, 'floor');
  const source = fileURLToPath(new URL('../src/tools/compare/peers/floor.c', import.meta.url));
  const { code, stderr } = await run(cc, ['-O2', '-o', program, source], { limitMs: 60_000 });
  if (code === 0) return program;
  say(`cc failed, the C floor is left out: ${stderr.split('\n')[0]}`);
  return null;
}

/** Starts a server and waits for its port. */
export async function startServer(server, options) {
  if (server.start !== undefined) return server.start();
  const { name, command, args } = server;
  const talker = new Talker(name, command, args, options);
  const line = await talker.line();
  talker.port = Number(/^PORT (\d+)$/.exec(line)?.[1]);
  if (!(talker.port > 0)) throw new Error(`${name} said "${line}" instead of its port`);
  return talker;
}

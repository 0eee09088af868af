// Loses no request: three replicas behind HAProxy, and behind nginx, under keep-alive GETs and POSTs, while the replicas
// are restarted by SIGTERM, reloaded by SIGHUP and upgraded by SIGUSR2. Beside it the same with SIGKILL, which has to
// fail: it shows that losses are seen. Also: systemd-analyze verifies the units of deploy/, and the parser of Python's
// prometheus_client reads the metrics. What is not installed is said to be NOT TRIED.
//   npm run check:operations [-- --rounds N]     N restarts, reloads and upgrades of each replica; default 1
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMMAND = join(ROOT, 'dist', 'epoll-server.js');
const REPLICAS = 3;
const CLIENTS = 16;
/** Two failed checks of 200 ms take a replica out; nothing in front keeps an idle connection for longer than a second. */
const TIMES = ['--drain-delay-ms', '1500', '--shutdown-grace-ms', '2500', '--shutdown-timeout-ms', '10000'];
const LIMIT_MS = 60_000;

const APPLICATION = `
export default {
  async fetch(request) {
    const body = await request.text();
    if (request.url.endsWith('/slow')) await new Promise((resolve) => setTimeout(resolve, 20));
    return new Response(request.method + ' ' + body);
  },
};
`;

const folder = mkdtempSync(join(tmpdir(), 'epoll-operations-'));
const children = new Set();
let passed = 0;
let failed = 0;

function say(isGood, text) {
  if (isGood) passed++;
  else failed++;
  process.stdout.write(`${isGood ? 'ok' : 'FAILED'}: ${text}\n`);
}

function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { env: withSbin() }).status === 0;
}

/** Debian keeps HAProxy and nginx where only root looks. */
function withSbin() {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
}

function start(program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: withSbin() });
  children.add(child);
  child.stderr.setEncoding('utf8').on('data', (text) => (child.said = (child.said ?? '') + text));
  child.once('exit', () => children.delete(child));
  return child;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function until(condition, what) {
  for (const end = performance.now() + LIMIT_MS; !(await condition()); await sleep(20)) {
    if (performance.now() > end) throw new Error(`it takes too long until ${what}`);
  }
}

class Replica {
  constructor(index, ports, proxy) {
    Object.assign(this, ports);
    this.pidFile = join(folder, `pid-${index}`);
    this.listen = `127.0.0.1:${this.port}${proxy ? '?proxy' : ''}`;
    this.begin();
  }

  begin() {
    const own = ['--listen', this.listen, '--admin', `127.0.0.1:${this.adminPort}`, '--pid-file', this.pidFile];
    const others = ['--workers', '1', '--trusted-proxies', 'loopback', '--no-access-log', '--quiet', ...TIMES];
    this.child = start(process.execPath, [COMMAND, join(folder, 'app.mjs'), ...own, ...others]);
  }

  get pid() {
    return Number(readFileSync(this.pidFile, 'utf8'));
  }

  async get(path) {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.adminPort}${path}`);
      return { status: answer.status, text: await answer.text() };
    } catch {
      return { status: 0, text: '' };
    }
  }

  async ready() {
    await until(async () => (await this.get('/readyz')).status === 200, 'a replica is ready');
    // The proxy takes it back after one or two checks.
    await sleep(800);
  }

  /** Ends the main process by that signal, whichever it is by now, and starts it again. */
  async restart(signal) {
    const { pid } = this;
    // A worker whose parent is killed still ends in order.
    if (signal === 'SIGKILL') for (const worker of this.workers()) process.kill(worker, signal);
    process.kill(pid, signal);
    await until(() => !isRunning(pid), 'a replica has ended');
    rmSync(this.pidFile, { force: true });
    this.begin();
    await this.ready();
  }

  async reload() {
    const [old] = this.workers();
    process.kill(this.pid, 'SIGHUP');
    await until(() => this.workers().length === 1 && this.workers()[0] !== old, 'the worker is replaced');
  }

  workers() {
    return readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ').map(Number);
  }

  async upgrade() {
    const { pid } = this;
    process.kill(pid, 'SIGUSR2');
    await until(() => !isRunning(pid), 'the old version has ended');
    await this.ready();
  }

  end() {
    try {
      process.kill(this.pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
  }
}

/** A zombie has ended: its parent has not waited for it yet. */
function isRunning(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

/** Clients that ask one request after the other, over connections that they keep. */
class Load {
  answered = 0;
  lost = [];
  #isOver = false;
  #clients;

  constructor(port) {
    this.#clients = Array.from({ length: CLIENTS }, (_, index) => this.#run(port, index));
  }

  async #run(port, index) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; !this.#isOver; i++) {
      const method = (i + index) % 2 === 0 ? 'GET' : 'POST';
      try {
        const text = await ask(port, agent, method, i % 10 === 0 ? '/slow' : '/');
        if (text !== `${method} ${method === 'POST' ? 'content' : ''}`) throw new Error(`the answer is ${text}`);
        this.answered++;
      } catch (error) {
        this.lost.push(`${method}: ${error.message}`);
      }
    }
    agent.destroy();
  }

  async end() {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }
}

function ask(port, agent, method, path) {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', agent, method, path }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('error', reject);
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(text) : reject(new Error(`status ${answer.statusCode}`)),
      );
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? 'content' : undefined);
  });
}

/** No retries: every loss is seen. */
function haproxyConfig(port, replicas) {
  const servers = replicas.map(
    ({ port: at, adminPort }, index) =>
      `  server r${index} 127.0.0.1:${at} check port ${adminPort} inter 200ms fall 2 rise 1 pool-purge-delay 1s send-proxy-v2 no-check-send-proxy`,
  );
  return `defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  retries 0
frontend web
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  option httpchk GET /readyz
  http-check expect status 200
  http-reuse safe
${servers.join('\n')}
`;
}

function nginxConfig(port, replicas) {
  const servers = replicas.map(({ port: at }) => `    server 127.0.0.1:${at} max_fails=1 fail_timeout=1s;`);
  return `pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
worker_processes 1;
daemon off;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream replicas {
${servers.join('\n')}
    keepalive 32;
    keepalive_timeout 1s;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`;
}

const PROXIES = {
  haproxy: { config: haproxyConfig, args: (path) => ['-f', path], proxy: true },
  nginx: { config: nginxConfig, args: (path) => ['-p', folder, '-c', path], proxy: false },
};

/** Runs `disturb` for each replica under load; returns the load. */
async function measure(port, replicas, rounds, disturb) {
  const load = new Load(port);
  await until(() => load.answered > 100, 'requests are answered');
  for (let round = 0; round < rounds; round++) for (const replica of replicas) await disturb(replica);
  await load.end();
  return load;
}

async function tryProxy(name, rounds) {
  const { config, args, proxy } = PROXIES[name];
  const ports = await Promise.all(
    Array.from({ length: REPLICAS }, async () => ({ port: await freePort(), adminPort: await freePort() })),
  );
  const replicas = ports.map((each, index) => new Replica(`${name}-${index}`, each, proxy));
  const port = await freePort();
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, config(port, replicas));
  await Promise.all(replicas.map((replica) => replica.ready()));
  const front = start(name, args(path));
  await until(async () => {
    if (front.exitCode !== null) throw new Error(`${name} has ended: ${front.said}`);
    return ask(port, undefined, 'GET', '/').then(Boolean, () => false);
  }, `${name} serves`);
  const kinds = [
    ['restarts by SIGTERM', (replica) => replica.restart('SIGTERM')],
    ['reloads by SIGHUP', (replica) => replica.reload()],
    ['upgrades by SIGUSR2', (replica) => replica.upgrade()],
  ];
  for (const [what, disturb] of kinds) {
    const { answered, lost } = await measure(port, replicas, rounds, disturb);
    const text = `${name}: ${REPLICAS * rounds} ${what}: ${lost.length} of ${answered + lost.length} requests were lost`;
    say(lost.length === 0, lost.length === 0 ? text : `${text}: ${[...new Set(lost)].slice(0, 3).join('; ')}`);
  }
  // nginx tries a GET again at another replica, and hides what HAProxy without retries shows.
  if (name === 'haproxy') {
    const { answered, lost } = await measure(port, replicas, rounds, (replica) => replica.restart('SIGKILL'));
    say(
      lost.length > 0,
      `${name}: by SIGKILL ${lost.length} of ${answered + lost.length} requests were lost, and have to be`,
    );
  }
  await tryMetrics(replicas[0]);
  for (const replica of replicas) replica.end();
  front.kill('SIGTERM');
}

async function tryMetrics(replica) {
  const program =
    'import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\nprint(len(list(parse(sys.stdin.read()))))';
  const found = ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import prometheus_client']).status === 0,
  );
  if (found === undefined) return process.stdout.write('NOT TRIED: python3-prometheus-client is not installed\n');
  const { text } = await replica.get('/metrics');
  const { status, stdout, stderr } = spawnSync(found, ['-c', program], { input: text, encoding: 'utf8' });
  say(status === 0 && Number(stdout) > 20, `prometheus_client reads ${stdout.trim()} metrics${stderr}`);
}

function tryUnits() {
  if (!isInstalled('systemd-analyze')) return process.stdout.write('NOT TRIED: systemd-analyze is not installed\n');
  const units = ['epoll-server.service', 'epoll-server.socket', 'epoll-server-direct.service'];
  // The programs and folders of the units are those of another machine.
  for (const unit of units) {
    const text = readFileSync(join(ROOT, 'deploy', 'systemd', unit), 'utf8');
    writeFileSync(join(folder, unit), text.replaceAll('/usr/bin/node', process.execPath));
  }
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units.map((unit) => join(folder, unit))], {
    encoding: 'utf8',
  });
  say(status === 0, `systemd-analyze verifies the units of deploy/${status === 0 ? '' : `: ${stderr}`}`);
}

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });
try {
  writeFileSync(join(folder, 'app.mjs'), APPLICATION);
  tryUnits();
  for (const name of Object.keys(PROXIES)) {
    if (isInstalled(name)) await tryProxy(name, Number(values.rounds));
    else process.stdout.write(`NOT TRIED: ${name} is not installed\n`);
  }
} catch (error) {
  say(false, error.stack);
}
for (const child of children) child.kill('SIGTERM');
await until(() => children.size === 0, 'all have ended').catch(() => {
  for (const child of children) child.kill('SIGKILL');
});
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);

// The same application in three ways: under this server alone, and behind nginx under gunicorn and under uWSGI.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, StartedServer } from '../../programs.js';

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const COMMAND = join(ROOT, 'dist', 'epoll-server.js');
/** The names of the three, this server first. */
export const STACKS = ['ours', 'gunicorn', 'uwsgi'];
const WORKERS = 2;
/** A bound for a program that never listens, no expectation. */
const LIMIT_MS = 30_000;

async function untilListening(where, server) {
  const endMs = Date.now() + LIMIT_MS;
  for (;;) {
    const socket = connect(where);
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    if (Date.now() > endMs || server.hasEnded) throw new Error(`${JSON.stringify(where)} is not open: ${server.said}`);
    await pause(50);
  }
}

/**
 * nginx in front of both: with `proxy_pass` as the documentation of gunicorn has it, and `uwsgi_pass` as that of uWSGI. By
 * default nginx merges slashes in what it gives to uWSGI, and not in what it gives to gunicorn.
 */
function nginxConfig(folder, html, ports) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const server = (port, pass) => `  server {
    listen 127.0.0.1:${port};
    server_name 127.0.0.1;
    root ${html};
    location /static/ { }
    location / { ${pass} }
  }`;
  return `pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
${process.getuid() === 0 ? 'user root;' : ''}
worker_processes 1;
daemon off;
events {}
http {
  access_log off;
  include /etc/nginx/mime.types;
${temporary.map((name) => `  ${name}_temp_path ${folder}/${name};`).join('\n')}
  client_max_body_size 0;
  merge_slashes off;
${server(
  ports.gunicorn,
  `proxy_pass http://unix:${folder}/gunicorn.sock; proxy_redirect off; proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;`,
)}
${server(ports.uwsgi, `include /etc/nginx/uwsgi_params; uwsgi_pass unix:${folder}/uwsgi.sock;`)}
}
`;
}

/**
 * Starts all three; gives their ports to `use`, and ends them. `html`: a folder with `static/`, which this server and nginx
 * serve; `environmentOf`: variables for a stack, by its name.
 */
export async function withStacks({ cwd, module, html, environmentOf, python }, use) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-server-stacks-'));
  const started = [];
  const start = (name, command, args) => {
    // Flask writes sets into Allow, in the order of their hashes.
    const own = { PATH: `${process.env.PATH}:/usr/sbin`, PYTHONDONTWRITEBYTECODE: '1', PYTHONHASHSEED: '0' };
    const server = new StartedServer(command, args, { cwd, env: { ...process.env, ...own, ...environmentOf(name) } });
    started.push(server);
    return server;
  };
  try {
    const ports = { ours: 0, gunicorn: await freePort(), uwsgi: await freePort() };
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, html, ports));
    const server = start('ours', process.execPath, oursArguments(html, module, python));
    const gunicorn = start('gunicorn', python, gunicornArguments(folder, module));
    const uwsgi = start('uwsgi', 'uwsgi', uwsgiArguments(folder, module));
    const nginx = start('nginx', 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
    ports.ours = Number(new URL(await server.url()).port);
    await untilListening({ path: join(folder, 'gunicorn.sock') }, gunicorn);
    await untilListening({ path: join(folder, 'uwsgi.sock') }, uwsgi);
    await untilListening({ port: ports.gunicorn, host: '127.0.0.1' }, nginx);
    await use(ports);
  } finally {
    const ends = await Promise.allSettled(started.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
    for (const { reason } of ends) if (reason !== undefined) process.stderr.write(`${reason.message}\n`);
  }
}

function oursArguments(html, module, python) {
  return [COMMAND, '0', html, module, '--python', python, '--python-workers', String(WORKERS)];
}

function gunicornArguments(folder, module) {
  const processes = ['--workers', String(WORKERS), '--worker-tmp-dir', folder];
  return ['-m', 'gunicorn', '--bind', `unix:${folder}/gunicorn.sock`, ...processes, module];
}

/** By default the variables of a request have room for 4 KiB. */
function uwsgiArguments(folder, module) {
  const application = ['--plugin', 'python3', '--module', module, '--need-app', '--buffer-size', '65535'];
  const processes = ['--master', '--die-on-term', '--no-orphans', '--processes', String(WORKERS)];
  return [...application, ...processes, '--socket', `${folder}/uwsgi.sock`, '--disable-logging'];
}

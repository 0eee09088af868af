// Uploads that get a response before they are read, directly and through proxies: each client has to get its status.
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../programs.js';
import { beside } from './hardships.js';
import { pause } from './target.js';

const SIZES = [500_000, 2_000_000, 10_000_000, 100_000_000];
const RUNS = 12;
const CLIENT_TIMEOUT_MS = 60_000;

/** The status for a POST to a file. */
const STATUS = '405';

function nginxConfig(folder, port, upstream) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`);
  return `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; events {}
    http { access_log off; client_max_body_size 0; ${temporary.join(' ')}
    server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } } }`;
}

function haproxyConfig(_folder, port, upstream) {
  return `defaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s
    listen all\n bind 127.0.0.1:${port}\n server one 127.0.0.1:${upstream}\n`;
}

/** The configuration of each proxy: its listening port and its upstream. */
const PROXIES = {
  nginx: { config: nginxConfig, flags: ['-c'] },
  haproxy: { config: haproxyConfig, flags: ['-db', '-q', '-f'] },
};

/** Starts a proxy in front of `upstream`. */
async function startProxy(name, folder, upstream) {
  const { config, flags } = PROXIES[name];
  const port = await freePort();
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, config(folder, port, upstream));
  const proxy = spawn(name, [...flags, file], { stdio: ['ignore', 'ignore', 'inherit'] });
  await pause(1_000);
  return { port, stop: () => proxy.kill('SIGTERM') };
}

const ignore = () => {};

/** The status that a client of node:http gets, or its error. */
function askWithNode(port, bytes) {
  return new Promise((resolve) => {
    const headers = { 'Content-Length': bytes.length };
    const posted = request({ port, method: 'POST', path: '/small.txt', headers, timeout: CLIENT_TIMEOUT_MS });
    // After the response node:http does not listen to the socket, whose writes may still fail.
    posted.on('socket', (socket) => socket.off('error', ignore).on('error', ignore));
    posted.on('response', (response) => response.resume().on('close', () => resolve(`${response.statusCode}`)));
    posted.on('error', (error) => resolve(error.code)).on('timeout', () => posted.destroy(new Error('no response')));
    posted.end(bytes);
  });
}

function askWithCurl(port, _bytes, file) {
  const flags = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--data-binary', `@${file}`, '-m', '60'];
  return new Promise((resolve) => {
    execFile('curl', [...flags, `http://127.0.0.1:${port}/small.txt`], (error, status) => {
      resolve(error === null ? status : `curl ${error.code}`);
    });
  });
}

async function uploads(target, { folder }, proxyName, upload) {
  const proxy = proxyName === undefined ? null : await startProxy(proxyName, folder, target.port);
  const wrong = [];
  try {
    for (const size of SIZES) {
      const bytes = Buffer.alloc(size, 'x');
      const file = join(folder, 'upload');
      writeFileSync(file, bytes);
      for (let run = 0; run < RUNS; run++) {
        const status = await upload(proxy?.port ?? target.port, bytes, file);
        if (status !== STATUS) wrong.push(`${size} bytes: ${status}`);
      }
    }
  } finally {
    proxy?.stop();
  }
  const all = SIZES.length * RUNS;
  return { isRight: wrong.length === 0, text: [`${all - wrong.length} of ${all} got ${STATUS}`, ...wrong].join(', ') };
}

/** A row of the table of hardships. */
function row(name, needs, proxy, upload) {
  const run = () =>
    beside(
      () => ({}),
      (target, site) => uploads(target, site, proxy, upload),
    );
  return { name: `0.5 to 100 MB that are not read, ${name}`, run, ...(needs === undefined ? {} : { needs }) };
}

export const UPLOADS = [
  row('node:http', undefined, undefined, askWithNode),
  row('curl', 'curl', undefined, askWithCurl),
  row('node:http through nginx', 'nginx', 'nginx', askWithNode),
  row('node:http through haproxy', 'haproxy', 'haproxy', askWithNode),
];

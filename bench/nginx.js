// nginx for comparison, configured as recommended for files: one process, sendfile, open_file_cache, no log.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../scripts/programs.js';
import { find, pause, start } from './children.js';

const START_MS = 5_000;

/** The number of files that both servers keep open. */
export const OPEN_FILES = 16_384;

/**
 * Returns nginx's configuration. `scratch`: a writable folder. `location`: a line for its server block. `listen`: more
 * parameters of its listener.
 */
export function configOf(folder, scratch, port, location = '', listen = '') {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${scratch}/nginx-${name};\n`)
    .join('');
  return `daemon off;
master_process off;
worker_processes 1;
pid ${scratch}/nginx.pid;
error_log ${scratch}/nginx.log;
events { worker_connections 16384; }
http {
  types { text/plain txt; application/octet-stream bin; }
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=${OPEN_FILES} inactive=60s;
  open_file_cache_valid 1s;
${temporary}  server { listen 127.0.0.1:${port} backlog=4096 ${listen}; root ${folder}; ${location} }
}
`;
}

/** The path of nginx, or null. Debian installs it outside the PATH of ordinary users. */
export function findNginx() {
  return find('nginx') ?? find('nginx', '/usr/sbin');
}

/** Serves `folder`; writes its own files into `scratch`. */
export async function startNginx(program, folder, scratch, location = '', listen = '') {
  const port = await freePort();
  const config = join(scratch, 'nginx.conf');
  writeFileSync(config, configOf(folder, scratch, port, location, listen));
  const child = start(program, ['-c', config, '-e', join(scratch, 'nginx.log')], { stdio: 'ignore' });
  for (const deadline = Date.now() + START_MS; ; await pause(20)) {
    if (Date.now() > deadline) throw new Error('nginx does not respond');
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    await response?.arrayBuffer();
    if (response !== null) break;
  }
  const end = async () => {
    child.kill('SIGKILL');
    await child.ended;
  };
  return { name: 'nginx', pid: child.pid, port, end };
}

// HAProxy and nginx in front of replicas: their configuration, for each way to connect to them.
import { join } from 'node:path';
import { folder } from './system.js';

/** No retries: every loss is seen. */
function haproxyConfig(port, replicas, { server = '' }) {
  const servers = replicas.map(({ address, adminPort }, index) => {
    const where = address.replace('unix:', 'unix@');
    return `  server r${index} ${where} check addr 127.0.0.1 port ${adminPort} no-check-ssl no-check-send-proxy inter 200ms fall 2 rise 1 pool-purge-delay 1s ${server}`;
  });
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

function nginxConfig(port, replicas, { location = '' }) {
  const servers = replicas.map(({ address }) => `    server ${address} max_fails=1 fail_timeout=1s;`);
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
      ${location}
    }
  }
}
`;
}

export const PROXIES = {
  haproxy: { config: haproxyConfig, argsOf: (path) => ['-f', path] },
  nginx: { config: nginxConfig, argsOf: (path) => ['-p', folder, '-c', path] },
};

/** `replica`: how the replicas listen; `proxy`: how the proxy connects; `isShort`: part of the short form. */
export const VARIANTS = [
  {
    name: 'HAProxy, PROXY v2, no retries',
    program: 'haproxy',
    isShort: true,
    replica: { option: '?proxy' },
    proxy: { server: 'send-proxy-v2' },
  },
  { name: 'HAProxy, Unix sockets, no retries', program: 'haproxy', replica: { socket: 'unix' }, proxy: {} },
  {
    name: 'HAProxy, TLS, no retries',
    program: 'haproxy',
    replica: { flags: ['--tls-self-signed'] },
    proxy: { server: 'ssl verify none' },
  },
  { name: 'nginx', program: 'nginx', isShort: true, replica: {}, proxy: {} },
  {
    // It has no health checks. So a restart needs a socket that stays open meanwhile.
    name: 'nginx, sockets of systemd, no retries',
    program: 'nginx',
    replica: { socket: 'held' },
    proxy: { location: 'proxy_next_upstream off;' },
  },
];

export function configPath(program) {
  return join(folder, `${program}.conf`);
}

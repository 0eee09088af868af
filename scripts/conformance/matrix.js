// Writes docs/conformance.md: runs `epoll-server conform` on this machine against this server and alternatives to it.
// The other servers are installed into a scratch folder, not into this project; nginx must be installed.
//   npm run conformance [-- FOLDER]
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const PEERS = { fastify: '5', bun: '1', uwebsockets: '3' };
const VERDICTS = ['passed', 'failed', 'warned', 'skipped'];
/** The port of nginx, which cannot choose a free one itself. */
const NGINX_PORT = 20_000 + (process.pid % 20_000);

const scratch = process.argv[2] ?? join(tmpdir(), 'epoll-server-conformance-peers');

function install() {
  mkdirSync(scratch, { recursive: true });
  const manifest = join(scratch, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const missing = Object.entries(PEERS).filter(([name]) => !existsSync(join(scratch, 'node_modules', name)));
  if (missing.length === 0) return;
  const wanted = missing.map(([name, version]) => `${name}@${version}`);
  spawnSync('npm', ['install', '--no-audit', '--no-fund', ...wanted], { cwd: scratch, stdio: 'inherit' });
  // npm may be configured to skip install scripts; Bun's only copies its program into place.
  const finish = join(scratch, 'node_modules', 'bun', 'install.js');
  if (existsSync(finish)) spawnSync(process.execPath, [finish], { cwd: dirname(finish), stdio: 'inherit' });
}

function versionOf(name) {
  const manifest = join(scratch, 'node_modules', name, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : 'missing';
}

function nginxFiles(folder) {
  // The workers of nginx run as another user, which has to read the folder.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'page.txt'), 'a page\n');
  const config = `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${NGINX_PORT}; root ${folder}; } }
`;
  writeFileSync(join(folder, 'nginx.conf'), config);
}

/** The servers: name, version, program and arguments; `at`: the URL of one that does not print it. */
function servers(folder) {
  nginxFiles(folder);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const nginx = /nginx\/(\S+)/.exec(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr ?? '')?.[1] ?? 'missing';
  const node = process.execPath;
  const bun = join(scratch, 'node_modules', 'bun', 'bin', 'bun.exe');
  const at = `http://127.0.0.1:${NGINX_PORT}/page.txt`;
  return [
    {
      name: 'epoll-server',
      version,
      run: [node, join(root, 'examples', 'conformance.js'), '0', folder],
      page: 'page.txt',
    },
    { name: 'nginx', version: nginx, run: ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')], at },
    { name: 'node:http', version: process.versions.node, run: [node, join(here, 'node-http.js'), '0'] },
    { name: 'Fastify', version: versionOf('fastify'), run: [node, join(here, 'fastify.js'), scratch, '0'] },
    { name: 'Bun', version: versionOf('bun'), run: [bun, join(here, 'bun.js'), '0'] },
    {
      name: 'uWebSockets.js',
      version: versionOf('uwebsockets'),
      run: [node, join(here, 'uwebsockets.cjs'), scratch, '0'],
    },
  ];
}

/** Starts a server; resolves to its process and URL, or to the reason why it did not start. */
function start({ run: [program, ...args], page = '', at }) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  return new Promise((resolve) => {
    const finish = (result) => resolve({ child, ...result });
    child.once('error', (error) => finish({ problem: error.message }));
    child.once('exit', (code) => finish({ problem: `ended with ${code}: ${output.trim().slice(0, 200)}` }));
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text;
        const url = /(http:\/\/127\.0\.0\.1:\d+\/\S*)/.exec(output)?.[1];
        if (url !== undefined) finish({ url: url + page });
      });
    }
    if (at !== undefined) setTimeout(() => finish({ url: at }), 1_000);
  });
}

async function examine(server) {
  const started = await start(server);
  if (started.url === undefined) return { ...server, problem: started.problem };
  const args = [join(root, 'dist', 'epoll-server.js'), 'conform', started.url, '--json', '--max-seconds', '900'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  started.child.removeAllListeners('exit');
  const isRunning = started.child.exitCode === null && started.child.signalCode === null;
  started.child.kill();
  if (stdout === '') return { ...server, problem: stderr.trim() };
  return { ...server, report: JSON.parse(stdout), isRunning };
}

function count(results, verdict) {
  return results.filter((result) => result.verdict === verdict).length;
}

function row(name, reports, cell) {
  return `| ${[name, ...reports.map(cell)].join(' | ')} |`;
}

function document(all, date) {
  const done = all.filter(({ report }) => report !== undefined);
  const groups = [...new Set(done[0].report.results.map(({ group }) => group))];
  const cell = (results) => {
    const [passed, failed, warned, skipped] = VERDICTS.map((verdict) => count(results, verdict));
    const wrong = [failed > 0 ? `**${failed} failed**` : '', warned > 0 ? `${warned} warned` : ''].filter(Boolean);
    return [`${passed}`, ...wrong, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(', ');
  };
  const wrong = done.flatMap(({ name, report }) =>
    report.results.filter(({ verdict }) => verdict === 'failed').map((result) => ({ name, ...result })),
  );
  const ids = [...new Set(wrong.map(({ id }) => id))];
  return [
    '# Conformance',
    '',
    `Results of \`epoll-server conform\` on ${date}, on one machine, each server started as its documentation recommends; made by`,
    '`npm run conformance`. *failed*: violates a MUST of RFC 9110 or 9112, or allows two readings of one request.',
    '*warned*: violates a SHOULD. *skipped*: the site of that server does not have the part (nginx serves a file and has',
    'no application here; the others serve an application and no file). A passed case was right in every delivery:',
    'whole, split at every byte, byte by byte, and with a request pipelined behind it.',
    '',
    row('', done, ({ name, version }) => `${name} ${version}`),
    row('---', done, () => '---'),
    ...groups.map((group) =>
      row(group, done, ({ report }) => cell(report.results.filter((each) => each.group === group))),
    ),
    row('**all**', done, ({ report }) => cell(report.results)),
    row('still running', done, ({ isRunning }) => (isRunning ? 'yes' : '**no**')),
    '',
    ...all
      .filter(({ problem }) => problem !== undefined)
      .map(({ name, problem }) => `${name} could not be examined: ${problem}.\n`),
    '## Failures',
    '',
    '| case | RFC | reason | servers |',
    '| --- | --- | --- | --- |',
    ...ids.map((id) => {
      const those = wrong.filter((each) => each.id === id);
      const [{ rfc, why }] = those;
      return `| ${id} | ${rfc} | ${why.replaceAll('|', '\\|')} | ${those.map(({ name }) => name).join(', ')} |`;
    }),
    '',
    'uWebSockets.js was installed from npm (`uwebsockets`, a re-publication). It responds with 505 when a request line arrives',
    'in two packets, so every split delivery fails; its own repository may do better.',
    '',
    'Not covered: deadlines, memory, other kinds of files, HTTP/2, TLS, and faults without a case. A proxy in front of a',
    'server hides some of its faults and reveals others.',
    '',
  ].join('\n');
}

install();
const folder = mkdtempSync(join(tmpdir(), 'epoll-server-conformance-'));
try {
  const all = [];
  for (const server of servers(folder)) {
    process.stderr.write(`${server.name} ${server.version} ...\n`);
    all.push(await examine(server));
  }
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs', 'conformance.md'), document(all, new Date().toISOString().slice(0, 10)));
  process.stderr.write('wrote docs/conformance.md\n');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

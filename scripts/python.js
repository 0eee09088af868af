// Runs unmodified applications of Flask, Django and Pyramid behind this server, the table of conformance through a Python
// application, and failures under load (torture.js). Compares responses with those of gunicorn and uWSGI behind nginx, and
// measures others while a worker hangs. The packages are those of the system:
//   apt-get install python3-flask python3-django python3-pyramid gunicorn uwsgi-core uwsgi-plugin-python3 nginx-light
//   npm run check:python
//   npm run check:python -- --only Django      or another of its parts: Flask, Pyramid, conformance, torture, comparison, hang
//   npm run check:python -- --python /usr/bin/python3      the Python that has these packages (the default)
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOptions } from './arguments.js';
import { page, runOrFail, withServer } from './programs.js';
import { compareStacks } from './python/compare.js';
import { HANGS, measureHang } from './python/hung-worker.js';
import { torturePython } from './python/torture.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const APPLICATIONS = join(root, 'scripts', 'python');
const SCRATCH = join(root, 'build', 'python');
const COMMAND = join(root, 'dist', 'epoll-server.js');
const UPLOAD_BYTES = 100_000_000;

const { python, only } = readOptions(import.meta.url, {
  python: { type: 'string', default: '/usr/bin/python3' },
  only: { type: 'string' },
});

/** Serves an application of the folder `name` with these arguments, and gives its address to `use`. */
function served(name, args, environment, use) {
  const all = [COMMAND, '0', ...args, '--python', python, '--python-workers', '2', '--max-body-bytes', '200000000'];
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment };
  return withServer([process.execPath, ...all], { cwd: join(APPLICATIONS, name), env }, use);
}

const cookieOf = (response) => response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]);

async function checkFlask() {
  await served('flask', ['site_app:app'], {}, async (url) => {
    assert.match(await page(`${url}/`), /Hello, nobody/);
    const body = new URLSearchParams({ name: 'Ann <b>' });
    const login = await fetch(`${url}/login`, { method: 'POST', body, redirect: 'manual' });
    assert.equal(login.status, 302);
    const session = { headers: { cookie: cookieOf(login).join('; ') } };
    assert.match(await page(`${url}/`, session), /Hello, Ann &lt;b&gt;/);

    const content = randomBytes(UPLOAD_BYTES);
    const form = new FormData();
    form.append('file', new Blob([content]), 'large.bin');
    const uploaded = JSON.parse(await page(`${url}/upload`, { method: 'POST', body: form }));
    const sha256 = createHash('sha256').update(content).digest('hex');
    assert.deepEqual(uploaded, { name: 'large.bin', size: UPLOAD_BYTES, sha256 });

    assert.equal(await page(`${url}/stream`), 'line 0\nline 1\nline 2\nline 3\nline 4\n');
    const file = await fetch(`${url}/file`);
    assert.match(file.headers.get('content-disposition'), /filename\*=UTF-8''%E6%96%87%E4%BB%B6\.py/);
    assert.equal(await file.text(), readFileSync(join(APPLICATIONS, 'flask', 'site_app.py'), 'utf8'));
    const part = await fetch(`${url}/file`, { headers: { range: 'bytes=3-9' } });
    assert.deepEqual([part.status, await part.text()], [206, 'A small']);
    const head = await fetch(`${url}/file`, { method: 'HEAD' });
    assert.equal(
      head.headers.get('content-length'),
      String(readFileSync(join(APPLICATIONS, 'flask', 'site_app.py')).length),
    );

    const statuses = ['/none', '/fail', '/secret'].map(async (path) => (await fetch(url + path)).status);
    assert.deepEqual(await Promise.all(statuses), [404, 500, 403]);
    assert.equal((await fetch(`${url}/`, { method: 'DELETE' })).status, 405);
    const environment = JSON.parse(await page(`${url}/environment/%E4%BD%A0/a%2Fb?c=d%20e`));
    assert.deepEqual(environment, {
      ...{ REQUEST_METHOD: 'GET', SCRIPT_NAME: '', QUERY_STRING: 'c=d%20e', SERVER_PROTOCOL: 'HTTP/1.1' },
      ...{ PATH_INFO: '/environment/\u00e4\u00bd\u00a0/a/b', REMOTE_ADDR: '127.0.0.1', rest: '你/a/b' },
      url: `${url}/environment/你/a/b?c=d%20e`,
    });
  });
}

async function checkDjango() {
  const [database, files] = [join(SCRATCH, 'db.sqlite3'), join(SCRATCH, 'html', 'static')];
  const environment = { CHECK_DATABASE: database, CHECK_STATIC: files, DJANGO_SUPERUSER_PASSWORD: 'a long secret' };
  const options = {
    cwd: join(APPLICATIONS, 'django'),
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environment },
  };
  const manage = (...args) => runOrFail(python, ['manage.py', ...args], options);
  manage('migrate', '--verbosity', '0');
  manage('createsuperuser', '--noinput', '--username', 'admin', '--email', 'admin@example.org');
  manage('collectstatic', '--noinput', '--verbosity', '0');
  await served('django', [join(SCRATCH, 'html'), 'mysite.wsgi:application'], environment, async (url) => {
    const asked = await fetch(`${url}/admin/`, { redirect: 'manual' });
    assert.deepEqual([asked.status, asked.headers.get('location')], [302, '/admin/login/?next=/admin/']);
    const form = await fetch(`${url}/admin/login/`);
    const [, token] = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(await form.text());
    const login = await fetch(`${url}/admin/login/?next=/admin/`, {
      method: 'POST',
      body: new URLSearchParams({ csrfmiddlewaretoken: token, username: 'admin', password: 'a long secret' }),
      headers: { cookie: cookieOf(form).join('; '), referer: `${url}/admin/login/` },
      redirect: 'manual',
    });
    assert.equal(login.status, 302);
    const session = { headers: { cookie: cookieOf(login).join('; ') } };
    assert.match(await page(`${url}/admin/`, session), /Site administration/);
    assert.match(await page(`${url}/admin/auth/user/`, session), /admin@example\.org/);
    const style = await fetch(`${url}/static/admin/css/base.css`);
    assert.deepEqual([style.status, style.headers.get('accept-ranges')], [200, 'bytes']);
  });
}

async function checkPyramid() {
  await served('pyramid', ['pyramidapp:app'], {}, async (url) => {
    assert.equal(await page(`${url}/hello`), 'Hello world from Pyramid!\n');
    assert.equal((await fetch(`${url}/none`)).status, 404);
  });
}

/** The table of conformance through a Python application. Threads, since its slow routes would hold all processes. */
async function checkConformance() {
  await served('conformance', ['routes:application', '--python-threads', '16'], {}, (url) => {
    runOrFail(process.execPath, [COMMAND, 'conform', url, '--max-splits', '4', '--timeout-ms', '10000']);
  });
}

async function checkComparison() {
  process.stdout.write(`${await compareStacks(python, join(SCRATCH, 'comparison'))}\n`);
}

const figures = (sorted) =>
  [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)].toFixed(2)).join(' and ');

async function checkHang() {
  const args = [COMMAND, '0', 'site_app:app', '--python', python, '--python-workers', '3'];
  // The worker that hangs is killed when this is over.
  args.push('--shutdown-timeout-ms', '500');
  for (const hang of HANGS) {
    await withServer([process.execPath, ...args], { cwd: join(APPLICATIONS, 'flask') }, async (url) => {
      const { before, meanwhile } = await measureHang(url, hang);
      const shown = `${figures(before)} ms before, ${figures(meanwhile)} ms meanwhile`;
      process.stdout.write(`one worker of three hung (${hang}): median and p99 ${shown}\n`);
    });
  }
}

const CHECKS = {
  Flask: checkFlask,
  Django: checkDjango,
  Pyramid: checkPyramid,
  conformance: checkConformance,
  torture: () => torturePython(python),
  comparison: checkComparison,
  hang: checkHang,
};

rmSync(SCRATCH, { recursive: true, force: true });
mkdirSync(join(SCRATCH, 'html'), { recursive: true });
const chosen = Object.entries(CHECKS).filter(([name]) => only === undefined || only === name);
for (const [name, check] of chosen) {
  await check();
  process.stdout.write(`passed ${name}\n`);
}
process.stdout.write(`${chosen.length} passed, 0 failed\n`);

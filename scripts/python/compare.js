// Sends the same requests to an application under this server alone, and under gunicorn and uWSGI behind nginx. Compares
// status, fields, content and environ. What differs must have its reason in compare/differences.js.
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runOrFail } from '../programs.js';
import { ACCEPTED, acceptedBy, differencesBetween } from './compare/differences.js';
import { exchange } from './compare/raw-client.js';
import { ClientState, REQUESTS } from './compare/requests.js';
import { STACKS, withStacks } from './compare/stacks.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const MODULES = { flask: 'site_app:app', django: 'mysite.wsgi:application', pyramid: 'pyramidapp:app' };
const MIN_REQUESTS = 200;
/** Of a value in a report. */
const MAX_SHOWN = 300;

/** Three equal databases, so that what is generated and kept there is equal too. */
function prepareDjango(python, environmentOf) {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...environmentOf(STACKS[0]) };
  const manage = (...args) => runOrFail(python, ['manage.py', ...args], { cwd: join(HERE, 'django'), env });
  manage('migrate', '--verbosity', '0');
  manage('createsuperuser', '--noinput', '--username', 'admin', '--email', 'admin@example.org');
  manage('collectstatic', '--noinput', '--verbosity', '0');
  const [first, ...others] = STACKS.map((stack) => environmentOf(stack).CHECK_DATABASE);
  for (const other of others) copyFileSync(first, other);
}

/** Returns what {@link withStacks} needs for an application. */
function prepare(application, scratch, python) {
  const html = join(scratch, application);
  const files = join(html, 'static');
  mkdirSync(files, { recursive: true });
  for (const name of ['a b.txt', '文.txt']) writeFileSync(join(files, name), `${name}\n`);
  const environmentOf = (stack) => ({
    CHECK_DATABASE: join(scratch, `${stack}.sqlite3`),
    CHECK_STATIC: files,
    DJANGO_SUPERUSER_PASSWORD: 'a long secret',
  });
  if (application === 'django') prepareDjango(python, environmentOf);
  return { cwd: join(HERE, application), module: MODULES[application], html, environmentOf, python };
}

const shown = (value) => JSON.stringify(value)?.slice(0, MAX_SHOWN) ?? 'absent';

/** Counts requests and differences, and keeps those without a reason. */
class Report {
  requests = 0;
  differences = 0;
  #unused = new Set(ACCEPTED.filter(({ isChance }) => !isChance));
  #texts = [];

  add(application, request, responses) {
    this.requests++;
    const [ours, ...others] = responses;
    for (const [index, theirs] of others.entries()) {
      const stack = STACKS[index + 1];
      for (const difference of differencesBetween(ours, theirs)) {
        this.differences++;
        const row = acceptedBy(request, ours, stack, difference);
        if (row !== undefined) this.#unused.delete(row);
        else this.#texts.push(this.#text(application, request, stack, difference));
      }
    }
  }

  #text(application, request, stack, difference) {
    const values = `here ${shown(difference.ours)}, under ${stack} ${shown(difference.theirs)}`;
    return `${application}, ${request.name}: ${difference.what} is ${values}`;
  }

  /** @throws Error for differences without a reason, reasons without a difference, and too few requests. */
  check() {
    const texts = this.#texts;
    for (const { what, stack, reason } of this.#unused)
      texts.push(`no difference: ${what} (${stack ?? 'both'}): ${reason}`);
    if (this.requests < MIN_REQUESTS) texts.push(`only ${this.requests} requests`);
    if (texts.length > 0) throw new Error(`${texts.length} unexplained differences\n${texts.join('\n')}`);
  }
}

async function compareApplication(application, ports, report) {
  const states = STACKS.map(() => new ClientState());
  for (const request of REQUESTS[application]) {
    const sent = STACKS.map((stack, index) => exchange(ports[stack], request.bytes(states[index])));
    const responses = await Promise.all(sent).catch((error) => {
      throw new Error(`${application}, ${request.name}: ${error.message}`);
    });
    if (request.isSession) for (const [index, response] of responses.entries()) states[index].keep(response);
    report.add(application, request, responses);
  }
}

/**
 * `scratch`: a folder for databases and files. Returns a line with what was compared.
 * @throws Error as {@link Report.check}, or when a program is not installed or fails.
 */
export async function compareStacks(python, scratch) {
  const missing = ['/usr/bin/uwsgi', '/usr/sbin/nginx', '/usr/bin/gunicorn'].filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
  const report = new Report();
  for (const application of Object.keys(REQUESTS)) {
    await withStacks(prepare(application, scratch, python), (ports) => compareApplication(application, ports, report));
  }
  report.check();
  const { requests, differences } = report;
  return `${requests} requests to each of ${STACKS.join(', ')}: ${differences} differences, each with one of ${ACCEPTED.length} reasons`;
}

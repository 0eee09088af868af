// The servers of a fuzz run: the built command, started in every way that has code of its own. Those of a round run
// at the same time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../dist/epoll-server.js', import.meta.url));
const APPLICATIONS = fileURLToPath(new URL('applications/', import.meta.url));

/** Short enough that slow clients meet them, long enough for sound ones on a busy machine. */
const DEADLINES = ['first-byte', 'header', 'body', 'send', 'keep-alive', 'half-closed'].flatMap((name) => [
  `--${name}-timeout-ms`,
  '5000',
]);

const RAW = ['--app', join(APPLICATIONS, 'raw.js:application'), '--door', 'raw'];
const WSGI = ['--app', join(APPLICATIONS, 'wsgi.js:application')];
const FETCH = ['--app', join(APPLICATIONS, 'fetch.js')];

function files({ root, mount, vhost }) {
  const site = ['--root', root, '--listing', '--clean-urls', '--cache-control', '*.html:no-cache'];
  return [...site, '--mount', `/assets=${mount}`, '--vhost', `virtual.test=${vhost}`];
}

const logOf = ({ folder }) => join(folder, 'access.log');

function logs(place) {
  return ['--access-log', logOf(place), '--log-format', 'json', '--trace'];
}

/** What is wrong with the access log: each of its lines must be JSON. */
function verifyLog(place) {
  for (const line of readFileSync(logOf(place), 'utf8').trimEnd().split('\n')) {
    try {
      JSON.parse(line);
    } catch (error) {
      return `${error.message} in the line ${line.slice(0, 2_000)}`;
    }
  }
  return '';
}

/**
 * `flags`: of the command, for a place. `sites`: which requests it answers (requests.js). `round`: when it runs.
 * `isBusy`: it never sleeps, so its processor time says nothing. `verify`: what is wrong in its place afterwards.
 */
export const SERVERS = [
  { name: 'files', round: 0, sites: ['files'], flags: files },
  { name: 'wsgi', round: 0, sites: ['routes'], flags: () => WSGI },
  { name: 'fetch', round: 0, sites: ['routes', 'fetch'], flags: () => FETCH },
  { name: 'raw', round: 0, sites: ['routes'], flags: () => RAW },
  { name: 'offload', round: 1, sites: ['routes'], flags: () => [...WSGI, '--offload', '2'] },
  { name: 'offload-fetch', round: 1, sites: ['routes', 'fetch'], flags: () => [...FETCH, '--offload', '2'] },
  {
    name: 'dynamic',
    round: 1,
    sites: ['files', 'modules'],
    flags: (place) => [...files(place), '--dynamic', join(APPLICATIONS, 'dynamic')],
  },
  {
    name: 'logs',
    round: 1,
    sites: ['files', 'routes'],
    flags: (place) => [...files(place), ...WSGI, ...logs(place)],
    verify: verifyLog,
  },
  { name: 'coroutine', round: 2, sites: ['routes'], flags: () => [...RAW, '--model', 'coroutine'] },
  { name: 'workers', round: 2, sites: ['routes', 'fetch'], flags: () => [...FETCH, '--workers', '2'] },
  {
    name: 'poll',
    round: 2,
    sites: ['files', 'routes'],
    flags: (place) => [...files(place), ...WSGI, '--backend', 'poll'],
  },
  { name: 'select', round: 2, sites: ['routes', 'fetch'], flags: () => [...FETCH, '--backend', 'select'] },
  { name: 'scan', round: 2, sites: ['routes'], isBusy: true, flags: () => [...RAW, '--backend', 'scan'] },
];

/** Another program, which must print the URL where it listens: only its page is known to be answered. */
export function otherProgram(command) {
  return { name: 'program', round: 0, sites: [], command: command.split(' ') };
}

/** The command line of a server in a place. */
export function argvOf({ command, flags }, place) {
  if (command !== undefined) return [process.execPath, ...command];
  return [process.execPath, COMMAND, '--port', '0', ...DEADLINES, ...flags(place)];
}

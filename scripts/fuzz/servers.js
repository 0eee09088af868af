// The servers of a fuzz run: the built command, started in every way that has code of its own. Those of a round run at
// the same time.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEADLINE_MS } from './bounds.js';

const COMMAND = fileURLToPath(new URL('../../dist/epoll-server.js', import.meta.url));
const APPLICATIONS = fileURLToPath(new URL('applications/', import.meta.url));

const DEADLINES = ['first-byte', 'header', 'body', 'keep-alive'].flatMap((name) => [
  `--${name}-timeout-ms`,
  `${DEADLINE_MS}`,
]);
/** A valid client that reads byte by byte seems to stop for a while, since its receive buffer is full. */
const RESPONSE_DEADLINES = ['--send-timeout-ms', '30000', '--half-closed-timeout-ms', '30000'];

const RAW = ['--app', join(APPLICATIONS, 'raw.js:application'), '--adapter', 'raw'];
const WSGI = ['--app', join(APPLICATIONS, 'wsgi.js:application')];
const FETCH = ['--app', join(APPLICATIONS, 'fetch.js')];

function files({ root, mount, vhost }) {
  const site = ['--root', root, '--listing', '--clean-urls', '--cache-control', '*.html:no-cache'];
  return [...site, '--mount', `/assets=${mount}`, '--vhost', `virtual.test=${vhost}`];
}

const logOf = ({ folder }) => join(folder, 'access.log');

function logs(testSite) {
  return ['--access-log', logOf(testSite), '--log-format', 'json', '--trace'];
}

/** Checks that each line of the access log is JSON; returns what is wrong. */
function verifyLog(testSite) {
  for (const line of readFileSync(logOf(testSite), 'utf8').trimEnd().split('\n')) {
    try {
      JSON.parse(line);
    } catch (error) {
      return `${error.message} in line ${line.slice(0, 2_000)}`;
    }
  }
  return '';
}

/** Limits so small that ordinary requests reach them, but none that a valid client exceeds. */
const NARROW = {
  'max-header-bytes': 2_048,
  'max-target-bytes': 512,
  'max-fields': 20,
  'max-body-bytes': 60_000,
  'max-unsent-bytes': 1_024,
  'max-accepts-per-turn': 1,
  'max-requests-per-turn': 2,
  'max-file-bytes-per-turn': 65_536,
  'max-cache-bytes': 50_000,
  'max-cached-file-bytes': 2_000,
  'max-open-files': 2,
};

/**
 * `flags`: flags of the command for a test site. `sites`: the requests that it serves (requests.js). `round`: when it
 * runs. `heaps`: processes and threads with a JavaScript heap of their own (default 1). `isBusy`: it never sleeps, so
 * its processor time is not judged. `verify`: checks the test site afterwards.
 */
export const SERVERS = [
  { name: 'files', round: 0, sites: ['files'], flags: files },
  { name: 'wsgi', round: 0, sites: ['routes'], flags: () => WSGI },
  { name: 'fetch', round: 0, sites: ['routes', 'fetch'], flags: () => FETCH },
  { name: 'raw', round: 0, sites: ['routes'], flags: () => RAW },
  { name: 'offload', round: 1, sites: ['routes'], heaps: 3, flags: () => [...WSGI, '--offload', '2'] },
  { name: 'offload-fetch', round: 1, sites: ['routes', 'fetch'], heaps: 3, flags: () => [...FETCH, '--offload', '2'] },
  {
    name: 'dynamic',
    round: 1,
    sites: ['files', 'modules'],
    flags: (testSite) => [...files(testSite), '--dynamic', join(APPLICATIONS, 'dynamic')],
  },
  {
    name: 'logs',
    round: 1,
    sites: ['files', 'routes'],
    flags: (testSite) => [...files(testSite), ...WSGI, ...logs(testSite)],
    verify: verifyLog,
  },
  { name: 'coroutine', round: 2, sites: ['routes'], flags: () => [...RAW, '--model', 'coroutine'] },
  { name: 'workers', round: 2, sites: ['routes', 'fetch'], heaps: 2, flags: () => [...FETCH, '--workers', '2'] },
  {
    name: 'poll',
    round: 2,
    sites: ['files', 'routes'],
    flags: (testSite) => [...files(testSite), ...WSGI, '--backend', 'poll'],
  },
  { name: 'select', round: 2, sites: ['routes', 'fetch'], flags: () => [...FETCH, '--backend', 'select'] },
  {
    name: 'narrow',
    round: 3,
    sites: ['files', 'routes'],
    flags: (testSite) => [
      ...files(testSite),
      ...RAW,
      ...Object.entries(NARROW).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    ],
  },
  {
    name: 'multiprocess',
    round: 3,
    sites: ['files', 'routes'],
    heaps: 2,
    flags: (testSite) => [...files(testSite), ...WSGI, '--model', 'multiprocess', '--workers', '2'],
  },
  {
    name: 'multithread',
    round: 3,
    sites: ['routes', 'fetch'],
    heaps: 2,
    flags: () => [...FETCH, '--model', 'multithread', '--workers', '2'],
  },
  { name: 'scan', round: 3, sites: ['routes'], isBusy: true, flags: () => [...RAW, '--backend', 'scan'] },
];

/** Another program, which has to print its URL: only its page is expected to work. */
export function otherProgram(command) {
  return { name: 'program', round: 0, sites: [], command: command.split(' ') };
}

/** The command line of a server for a test site. */
export function argvOf({ command, flags }, testSite) {
  if (command !== undefined) return [process.execPath, ...command];
  return [process.execPath, COMMAND, '--port', '0', ...DEADLINES, ...RESPONSE_DEADLINES, ...flags(testSite)];
}

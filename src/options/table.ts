// The option table: every option is declared once, here, in rule-options.ts or in limit-options.ts. Flags, variables,
// config keys, function options, types, checks, help and documents are generated from it (`npm run generate`).

import { precompileFields } from '../http/fields.ts';
import { ADAPTERS, CLIENT_CERTIFICATES, LOG_FORMATS, MODEL_NAMES, PROXY_FIELDS } from './choices.ts';
import {
  abortSignal,
  addresses,
  addressesInCode,
  applications,
  cacheRules,
  callable,
  certificates,
  certificatesInCode,
  choice,
  dynamicFolder,
  errorLogFile,
  fetchApplication,
  fieldText,
  fileNames,
  logFile,
  mediaTypes,
  mounts,
  networks,
  oneAddress,
  oneAddressInCode,
  path,
  pathBelowRoot,
  paths,
  programName,
  suffix,
  text,
  toggle,
  umask,
  upstreams,
  whole,
} from './kinds.ts';
import { LIMIT_OPTIONS } from './limit-options.ts';
import { MAX_PORT } from './listen-address.ts';
import type { Option } from './option.ts';
import { RULE_OPTIONS } from './rule-options.ts';
import { virtualHosts } from './virtual-hosts.ts';

/** More workers or threads do not help: the largest machines have a few hundred processors. */
const MAX_PARALLEL = 256;

function isFieldValue(value: string): boolean {
  try {
    precompileFields({ Server: value });
    return true;
  } catch {
    return false;
  }
}

const PLACES: readonly Option[] = [
  {
    path: 'port',
    kind: whole(0, MAX_PORT),
    letter: 'p',
    placeholder: 'PORT',
    help: 'TCP port to listen on; 0 lets the system choose',
    default: 8080,
    shortFor: 'listen',
    alias: 'port',
  },
  {
    path: 'hostname',
    flag: 'host',
    kind: text('a name or an address'),
    letter: 'H',
    placeholder: 'HOST',
    help: 'name or address to listen on (:: for all)',
    default: '127.0.0.1',
    shortFor: 'listen',
  },
  {
    path: 'listen',
    kind: addresses,
    inCode: addressesInCode,
    placeholder: 'ADDRESS',
    help: 'listen on this address instead of --host and --port: 127.0.0.1:8080, [::1]:8080, unix:/run/x.sock?mode=660, fd:3, systemd, systemd:NAME; may be repeated',
  },
  {
    path: 'admin',
    kind: oneAddress,
    inCode: oneAddressInCode,
    placeholder: 'ADDRESS',
    help: 'also answer /livez, /readyz, /metrics and /status, on this address alone: 127.0.0.1:9901, unix:/run/x.sock',
  },
];

const PROXIES: readonly Option[] = [
  {
    path: 'trustedProxies',
    kind: networks,
    placeholder: 'NETWORK,...',
    help: 'proxies whose word on the client, scheme and host counts: addresses, blocks such as 10.0.0.0/8, loopback, private, unix',
    default: [],
    reason: 'A client could forge these fields, so they are ignored unless the connection comes from such a proxy.',
  },
  {
    path: 'proxyFields',
    kind: choice(PROXY_FIELDS, 'ProxyFields'),
    placeholder: 'NAME',
    help: 'the fields of trusted proxies: x-forwarded (X-Forwarded-For, -Proto, -Host), or forwarded (RFC 7239)',
    default: 'x-forwarded',
    reason: 'One of them: a proxy that sets one passes on the other as its client sent it.',
  },
];

const TLS: readonly Option[] = [
  {
    path: 'tls',
    kind: certificates,
    inCode: certificatesInCode,
    placeholder: 'FOLDER',
    help: 'serve HTTPS with the certificates of this folder, in the layout of certbot or lego, by server name; may be repeated',
  },
  {
    path: 'tlsCert',
    takers: ['command'],
    kind: paths,
    placeholder: 'FILE',
    help: 'serve HTTPS with this certificate and its chain (PEM); may be repeated, for another name or type of key',
    default: [],
  },
  {
    path: 'tlsKey',
    takers: ['command'],
    kind: paths,
    placeholder: 'FILE',
    help: 'the key of --tls-cert (PEM), in the same order (default: it is in the file of the certificate)',
    default: [],
  },
  {
    path: 'tlsClientCa',
    takers: ['command'],
    kind: paths,
    placeholder: 'FILE',
    help: 'the authorities that sign certificates of clients (PEM)',
    default: [],
  },
  {
    path: 'tlsClientCert',
    takers: ['command'],
    kind: choice(CLIENT_CERTIFICATES, 'ClientCertificates'),
    placeholder: 'HOW',
    help: `ask clients for a certificate: ${CLIENT_CERTIFICATES.join(', ')} (default: required with --tls-client-ca)`,
  },
  {
    path: 'tlsSelfSigned',
    takers: ['command'],
    kind: toggle,
    help: 'serve HTTPS with a certificate for localhost that this program makes and keeps, for development',
    default: false,
  },
  {
    path: 'httpsRedirect',
    kind: whole(0, MAX_PORT),
    placeholder: 'PORT',
    help: 'listen for HTTP on this port too, and redirect to HTTPS (308), except for /.well-known/acme-challenge/',
  },
  {
    path: 'hsts',
    kind: toggle,
    help: 'send Strict-Transport-Security over HTTPS: for a year, browsers use HTTPS alone for this host; as --header @hsts',
    default: false,
  },
];

const IDS: Option = {
  path: 'requestIds',
  kind: toggle,
  help: 'give each request an id: from X-Request-Id or traceparent, else a new one; it is in the response, the JSON log and the application',
  default: false,
};

const APPLICATION: readonly Option[] = [
  {
    path: 'handler',
    takers: ['serve'],
    kind: callable('Handler'),
    help: 'handles every request, or those that no file answers; set at most one of handler, fetch and wsgi',
  },
  {
    path: 'fetch',
    takers: ['serve'],
    kind: fetchApplication,
    help: 'a function from a Request to a Response, or an object with such a method, as in Bun, Deno, Hono and h3',
  },
  {
    path: 'wsgi',
    takers: ['serve'],
    kind: callable('WsgiApplication'),
    help: 'a WSGI-style application (PEP 3333)',
  },
  {
    path: 'error',
    takers: ['serve'],
    kind: callable('ErrorHandler'),
    help: 'makes the response when the application throws before its response begins (default: a page with status 500)',
  },
  {
    path: 'signal',
    takers: ['serve'],
    kind: abortSignal,
    help: 'closes the server when it aborts',
  },
  {
    path: 'overrideGlobals',
    takers: ['serve', 'load'],
    kind: toggle,
    help: 'make the light Headers, Request and Response the globals for a fetch application',
    default: false,
  },
  {
    path: 'app',
    takers: ['command'],
    kind: applications,
    letter: 'a',
    placeholder: '[/PATH=]MODULE[:NAME]',
    help: 'an application (NAME: default "application", "fetch" or "default"); with a folder, it gets requests that no file answers; with /PATH=, requests below that path; may be repeated',
  },
  {
    path: 'proxy',
    kind: upstreams,
    placeholder: '[/PATH=]uwsgi:ADDRESS',
    help: 'give requests to a program that speaks uwsgi, such as uWSGI: uwsgi:unix:/run/app.sock, uwsgi:127.0.0.1:3031; with a folder, those that no file answers; with /PATH=, those below that path; may be repeated',
    default: [],
  },
  {
    path: 'adapter',
    takers: ['load', 'command'],
    kind: choice(ADAPTERS, 'AdapterName'),
    placeholder: 'NAME',
    help: `the interface of the application: ${ADAPTERS.join(', ')} (default: detected by its shape)`,
  },
  {
    path: 'dynamic',
    takers: ['load', 'command'],
    kind: path('a folder'),
    placeholder: 'FOLDER',
    inCode: dynamicFolder,
    help: 'serve each module of this folder at its own URL: clock.js at /clock',
    alias: 'dynamic_path',
  },
  {
    path: 'next',
    takers: ['load'],
    kind: callable('Handler'),
    help: 'handles requests that no module of a dynamic folder handles (default: 404)',
  },
  {
    path: 'dynamicSuffix',
    takers: ['command'],
    kind: suffix,
    placeholder: 'SUFFIX',
    help: 'serve the modules of --dynamic with this suffix too: .py for /clock.py',
  },
  {
    path: 'watch',
    takers: ['command'],
    kind: toggle,
    help: 'restart the application when its files change; the port stays open',
    default: false,
  },
  {
    path: 'threads',
    flag: 'offload',
    takers: ['load', 'command'],
    kind: whole(0, MAX_PARALLEL, 'a whole number of threads'),
    placeholder: 'N',
    help: 'run the application in a pool of N threads; 0: without a pool',
    default: 0,
  },
  {
    path: 'pythonWorkers',
    takers: ['command'],
    kind: whole(1, MAX_PARALLEL, 'a whole number of processes'),
    placeholder: 'N',
    help: 'run each Python application in N processes, however many --workers there are (default: one for each processor)',
  },
  {
    path: 'pythonThreads',
    takers: ['command'],
    kind: whole(1, MAX_PARALLEL, 'a whole number of threads'),
    placeholder: 'N',
    help: 'requests that one Python process runs at a time, in threads',
    default: 1,
    reason: 'Many applications are not safe for threads, and Python runs one of them at a time.',
  },
  {
    path: 'python',
    takers: ['command'],
    kind: programName('the name or path of a Python'),
    placeholder: 'PROGRAM',
    help: 'the Python that runs Python applications (default: that of a virtual environment in its folder, then python3)',
  },
];

const PROCESS: readonly Option[] = [
  {
    path: 'model',
    takers: ['command'],
    kind: choice(MODEL_NAMES, 'ModelName'),
    letter: 'm',
    placeholder: 'NAME',
    help: 'how clients are served (default: epoll)',
  },
  {
    path: 'workers',
    takers: ['command'],
    kind: whole(1, MAX_PARALLEL),
    letter: 'w',
    placeholder: 'N',
    help: 'processes or threads (epoll, multiprocess, multithread)',
  },
  {
    path: 'backend',
    kind: text('the name of a back end'),
    letter: 'b',
    placeholder: 'NAME',
    help: 'readiness back end: epoll, poll, select, scan (default: the best available)',
  },
  {
    path: 'pidFile',
    takers: ['command'],
    kind: path('a file'),
    placeholder: 'FILE',
    help: 'write the number of the main process to this file, for "epoll-server reload FILE" and scripts',
  },
  {
    path: 'user',
    takers: ['command'],
    kind: text('a name or a number of a user'),
    placeholder: 'NAME',
    help: 'run the workers of --workers as this user; the main process keeps its rights, and serves nothing itself',
  },
  {
    path: 'group',
    takers: ['command'],
    kind: text('a name or a number of a group'),
    placeholder: 'NAME',
    help: 'run the workers in this group (default: that of --user)',
  },
  {
    path: 'umask',
    takers: ['command'],
    kind: umask,
    placeholder: 'MODE',
    help: 'the permissions that new files and sockets do not get, in octal digits such as 027',
  },
  {
    path: 'quiet',
    takers: ['command'],
    kind: toggle,
    letter: 'q',
    help: 'do not print the line with the address of the server',
    default: false,
  },
  {
    path: 'serverHeader',
    kind: fieldText('text without control characters', isFieldValue),
    placeholder: 'TEXT',
    help: 'the Server field; empty removes it, a field set by the application replaces it',
    default: 'epoll-server',
  },
];

const LOG: readonly Option[] = [
  {
    path: 'log.access',
    flag: 'accessLog',
    kind: logFile,
    placeholder: 'FILE|-|syslog',
    help: 'append one line per response to FILE; "-" is standard output, syslog the system log (default: only on a terminal)',
    inCode: callable('Sink'),
  },
  {
    path: 'log.format',
    flag: 'logFormat',
    kind: choice(LOG_FORMATS, 'LogFormat'),
    placeholder: 'FORMAT',
    help: `format of the access log: ${LOG_FORMATS.join(', ')}`,
    default: 'common',
  },
  {
    path: 'log.errorFile',
    flag: 'errorLog',
    takers: ['command'],
    kind: errorLogFile,
    placeholder: 'FILE|syslog',
    help: 'append the lines about faults to FILE instead of standard error, or send them to syslog',
  },
  {
    path: 'log.trace',
    flag: 'trace',
    kind: toggle,
    letter: 't',
    help: 'print message heads, and when clients connect and disconnect, on standard error',
    inCode: callable('Sink'),
  },
  {
    path: 'log.error',
    flag: 'onError',
    takers: ['serve', 'load'],
    kind: callable('((error: unknown, request: HttpRequest | null) => void)'),
    help: 'called with an error thrown by the application, or the reason why a file cannot be sent (default: one line on standard error)',
  },
];

const ROOT: Option = {
  path: 'static.root',
  kind: path('a folder'),
  letter: 'r',
  placeholder: 'FOLDER',
  help: 'serve the files of this folder',
  alias: 'static_path',
};

/** The options that a virtual host may set for itself. */
const PER_HOST: readonly Option[] = [
  {
    path: 'static.index',
    kind: fileNames,
    placeholder: 'NAME',
    help: 'index files of a folder; the first that exists is sent',
    default: ['index.html'],
    perHost: 'inherited',
  },
  {
    path: 'static.listing',
    kind: toggle,
    help: 'list folders without an index, as a page or as JSON',
    default: false,
    perHost: 'inherited',
  },
  {
    path: 'static.cleanUrls',
    kind: toggle,
    help: 'serve about.html at /about, and redirect /about.html to it',
    default: false,
    perHost: 'inherited',
  },
  {
    path: 'static.spa',
    kind: pathBelowRoot,
    placeholder: 'FALLBACK',
    help: 'a file of the root that answers navigations to paths without a file or a handler',
    default: false,
    perHost: 'inherited',
  },
  {
    path: 'static.cacheControl',
    kind: cacheRules,
    placeholder: '[PATTERN:]VALUE',
    help: 'Cache-Control of matching files; the first matching rule applies; "@fingerprinted:immutable" for hashed names',
    default: [],
    perHost: 'own',
  },
  {
    path: 'static.types',
    flag: 'type',
    kind: mediaTypes,
    placeholder: '.EXT=TYPE',
    help: 'media type of a file name extension, as in .glsl=text/plain',
    default: {},
    perHost: 'inherited',
  },
  {
    path: 'static.charset',
    kind: fieldText('a name such as utf-8', (value) => /^[\w.:-]*$/.test(value)),
    placeholder: 'NAME',
    help: 'charset of text files; empty: none is sent',
    default: 'utf-8',
    perHost: 'inherited',
  },
  {
    path: 'static.dotfiles',
    kind: toggle,
    help: 'serve files and folders whose names begin with a dot (.well-known is always served)',
    default: false,
    perHost: 'inherited',
  },
  {
    path: 'static.compression',
    kind: toggle,
    help: 'send .br, .zst and .gz siblings, and compress text files without one',
    default: true,
    perHost: 'inherited',
  },
  {
    path: 'static.securityHeaders',
    kind: toggle,
    help: 'send X-Content-Type-Options and Referrer-Policy',
    default: true,
    perHost: 'inherited',
  },
  {
    path: 'static.mounts',
    flag: 'mount',
    kind: mounts,
    placeholder: 'PATH=FOLDER',
    help: 'serve another folder below a path, as in /assets=./dist',
    default: {},
    perHost: 'own',
  },
];

const STATIC: readonly Option[] = [
  ROOT,
  ...PER_HOST,
  {
    path: 'static.hide',
    kind: paths,
    placeholder: 'PATH',
    help: 'never serve this file or folder of the root, nor its .br, .zst and .gz siblings; it need not exist yet',
    default: [],
  },
  {
    path: 'static.hideIfServed',
    takers: ['serve'],
    kind: paths,
    help: 'the same for paths that may lie outside of all folders, such as a config file',
    default: [],
  },
  {
    path: 'static.hosts',
    flag: 'vhost',
    kind: virtualHosts(ROOT, PER_HOST),
    placeholder: 'HOST=FOLDER',
    help: 'another root for a host; *.example.org for all names below it; in code and config files, with options of its own',
    default: {},
  },
];

/** All options, in the order of the help. */
export const OPTIONS: readonly Option[] = [
  ...PLACES,
  ...TLS,
  ...PROXIES,
  IDS,
  ROOT,
  ...APPLICATION,
  ...PROCESS,
  ...LOG,
  ...STATIC.slice(1),
  ...RULE_OPTIONS,
  ...LIMIT_OPTIONS,
].map((option) => (option.kind.range === undefined ? option : { placeholder: 'N', ...option }));

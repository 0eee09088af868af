// The option table: every option is declared once, here or in rule-options.ts. Flags, variables, config keys, function
// options, types, checks, help and documents are generated from it (`npm run generate`).

import { precompileFields } from '../http/fields.ts';
import { ADAPTERS, CLIENT_CERTIFICATES, LOG_FORMATS, MODEL_NAMES, PROXY_FIELDS } from './choices.ts';
import {
  abortSignal,
  addresses,
  addressesInCode,
  applications,
  bytes,
  bytesPerSecond,
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
  milliseconds,
  mounts,
  networks,
  oneAddress,
  oneAddressInCode,
  path,
  pathBelowRoot,
  paths,
  suffix,
  text,
  toggle,
  umask,
  upstreams,
  whole,
} from './kinds.ts';
import { MAX_BACKLOG, MAX_PORT } from './listen-address.ts';
import type { Option } from './option.ts';
import { RULE_OPTIONS } from './rule-options.ts';
import { virtualHosts } from './virtual-hosts.ts';

const DAY_MS = 86_400_000;
const GIB = 2 ** 30;

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

const LIMITS: readonly Option[] = [
  {
    path: 'limits.maxHeaderBytes',
    kind: bytes(256, 1_048_576),
    help: 'Maximum size of request line and fields together, in bytes; if exceeded: 431.',
    default: 16_384,
    reason: 'nginx allows 4 x 8 KiB of fields and 8 KiB of request line, node:http 16 KiB in all.',
  },
  {
    path: 'limits.maxTargetBytes',
    kind: bytes(16, 1_048_576),
    help: 'Maximum size of the request target, in bytes; if exceeded: 414.',
    default: 8_192,
    reason: 'RFC 9112 section 3 recommends at least 8,000.',
  },
  {
    path: 'limits.maxFields',
    kind: whole(1, 10_000),
    help: 'Maximum number of field lines of a request, and of its trailers; if exceeded: 431.',
    default: 200,
    reason: 'Browsers send 10 to 25; Apache allows 100.',
  },
  {
    path: 'limits.maxBodyBytes',
    kind: bytes(0, Number.MAX_SAFE_INTEGER),
    help: 'Maximum size of a request body, in bytes; if exceeded: 413.',
    default: 134_217_728,
    reason: 'Bodies are streamed, so this bounds how much an application has to read, not memory.',
  },
  {
    path: 'limits.maxDiscardBytes',
    kind: bytes(0, GIB),
    help: 'Unread request body of known length that is discarded after the response; if larger: the connection is closed.',
    default: 262_144,
    reason:
      'A body that the application left unread is discarded, so that the connection can serve the next request. Chunked bodies are always discarded.',
  },
  {
    path: 'limits.maxConnections',
    kind: whole(1, 4_194_304),
    help: 'Maximum number of concurrent connections; if exceeded: 503 and closed.',
    default: 65_536,
    reason: "A small part of Linux's default limit of 1,048,576 descriptors for one process.",
  },
  {
    path: 'limits.maxConnectionsPerAddress',
    kind: whole(0, 4_194_304),
    help: 'Maximum number of concurrent connections from one address (0: unlimited); if exceeded: 503.',
    default: 0,
    reason: 'Off, since all clients behind a proxy or a NAT have one address. An IPv6 /64 counts as one address.',
  },
  {
    path: 'limits.maxHandshakes',
    kind: whole(1, 4_194_304),
    help: 'Maximum number of TLS handshakes in progress; if exceeded: the one that waits longest is closed.',
    default: 4_096,
    reason: 'An unfinished handshake holds about 60 KiB. Clients that finish theirs are not affected.',
  },
  {
    path: 'limits.backlog',
    kind: whole(1, MAX_BACKLOG),
    help: 'Connections that wait to be accepted, as in listen(2).',
    default: 4_096,
    reason: 'SOMAXCONN of Linux since 5.4; the system may lower it.',
  },
  {
    path: 'limits.maxAcceptsPerTurn',
    kind: whole(1, 65_536),
    help: 'Clients accepted from one listener in one turn of the loop.',
    default: 64,
    reason: 'New clients must not use up a whole turn.',
  },
  {
    path: 'limits.maxRequestsPerTurn',
    kind: whole(1, 65_536),
    help: 'Requests of one connection handled in one turn of the loop.',
    default: 256,
    reason: 'After this many responses to a pipelining client, the other clients have their turn.',
  },
  {
    path: 'limits.maxUnsentBytes',
    kind: bytes(1_024, GIB),
    help: 'Unsent output of one connection above which reading pauses and writers wait.',
    default: 65_536,
    reason: 'Four times the initial send buffer of Linux.',
  },
  {
    path: 'limits.maxFileBytesPerTurn',
    kind: bytes(65_536, GIB),
    help: 'Bytes of a file sent to one client in one turn of the loop.',
    default: 1_048_576,
    reason: 'A fast client of a large file would delay the others; sending this much takes well below a millisecond.',
  },
  {
    path: 'limits.minReceiveBytesPerSecond',
    kind: bytesPerSecond(0, GIB),
    help: 'Minimum rate of a request body while the server waits for it (0: none); if slower: 408.',
    default: 240,
    reason:
      "Kestrel's default; Apache's mod_reqtimeout requires 500. A slower client uses up timeouts.bodyMs, byte by byte or not.",
  },
  {
    path: 'limits.minSendBytesPerSecond',
    kind: bytesPerSecond(0, GIB),
    help: 'Minimum rate at which a client reads its response (0: none); if slower: closed.',
    default: 240,
    reason: "Kestrel's default. A slower client uses up timeouts.sendMs.",
  },
  {
    path: 'limits.maxLingerBytes',
    kind: bytes(0, GIB),
    help: 'Bytes discarded from a client after its last response (0: unlimited); if exceeded: closed.',
    default: 0,
    reason: 'The time is bounded by maxLingerMs.',
  },
  {
    path: 'limits.maxLingeringConnections',
    kind: whole(0, 4_194_304),
    help: 'Maximum number of connections that linger after their last response; if exceeded: the oldest is closed.',
    default: 1_024,
    reason: 'Each costs a descriptor and a receive buffer. They do not count as connections of maxConnections.',
  },
  {
    path: 'limits.maxOffloadQueue',
    takers: ['load', 'command'],
    kind: whole(1, 1_048_576),
    help: 'Requests that may wait for a thread of the pool (--offload); if exceeded: 503.',
    default: 1_024,
    reason:
      'At 50 ms each and 4 threads, 1,024 requests wait 13 s; clients at the end of a longer queue have given up by then.',
  },
  {
    path: 'limits.maxUpstreamConnections',
    kind: whole(1, 65_536),
    help: 'Concurrent connections to a program behind this server (--proxy); if exceeded: requests wait.',
    default: 256,
    reason: 'Each is a request that the program handles, or that waits in its backlog: 100 by default for uWSGI.',
  },
  {
    path: 'limits.maxUpstreamQueue',
    kind: whole(1, 1_048_576),
    help: 'Requests that may wait for such a connection; if exceeded: 503.',
    default: 1_024,
    reason: 'As maxOffloadQueue: clients at the end of a longer queue have given up by then.',
  },
  {
    path: 'limits.maxSpoolBytes',
    kind: bytes(0, Number.MAX_SAFE_INTEGER),
    help: 'Temporary files for requests and responses of --proxy; if exceeded: requests get 503, responses wait for their clients.',
    default: 4 * GIB,
    reason:
      "A thousand clients of 4 MiB each. Content above 64 KiB waits in unlinked files of the system's temporary folder (TMPDIR). One response may use an eighth.",
  },
  {
    path: 'limits.maxChildren',
    takers: ['command'],
    kind: whole(1, 4_096),
    help: 'Concurrent processes or threads in models with one per client; if exceeded: clients wait.',
    default: 64,
    reason: 'A Node.js process needs 40 MiB and a tenth of a second to start: 64 of them are 2.5 GiB.',
  },
  {
    path: 'limits.maxCacheBytes',
    kind: bytes(0, 16 * GIB),
    help: 'Memory for cached files, in bytes; the least recently used are removed first.',
    default: 33_554_432,
    reason: 'Whole small files are kept; see maxCachedFileBytes.',
  },
  {
    path: 'limits.maxCachedFileBytes',
    kind: bytes(0, GIB),
    help: 'The largest file that is cached in memory; larger ones are streamed.',
    default: 131_072,
    reason: 'Above this, sendfile(2) from the page cache costs about the same.',
  },
  {
    path: 'limits.maxCompressedFileBytes',
    kind: bytes(0, GIB),
    help: 'The largest file that the server compresses; larger ones need a compressed sibling.',
    default: 8_388_608,
    reason: 'A client waits for it, once: a megabyte takes the thread pool about 20 ms with Brotli.',
  },
  {
    path: 'limits.maxCodingBytesPerSecond',
    kind: bytesPerSecond(0, 16 * GIB),
    help: 'Bytes compressed per second, on average; if exceeded: files are sent uncompressed.',
    default: 8_388_608,
    reason: 'A fifth of a processor with gzip or Brotli. Eight seconds of it may come at once, as after a deployment.',
  },
  {
    path: 'limits.maxFileQueue',
    kind: whole(1, 1_048_576),
    help: 'Requests that may wait for a file to be found or read; if exceeded: 503.',
    default: 4_096,
    reason: 'A disk that takes 10 ms needs 14 s for that many in the three threads that files have by default.',
  },
  {
    path: 'limits.maxOpenFiles',
    kind: whole(0, 1_048_576),
    help: 'Files kept open between two responses, at most a quarter of ulimit -n; 0: none.',
    default: 8_192,
    reason: 'Twice as many small files as fit in the cache; each costs 2 KiB here and 1 KiB in the system: 24 MiB.',
  },
];

const TIMEOUTS: readonly Option[] = [
  {
    path: 'timeouts.firstByteMs',
    flag: 'firstByteTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'From accept to the first byte; if exceeded: closed.',
    default: 30_000,
    reason: 'Browsers open spare connections without sending on them, so this is not too short.',
  },
  {
    path: 'timeouts.handshakeMs',
    flag: 'handshakeTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'From accept to the end of the TLS handshake; if exceeded: closed.',
    default: 10_000,
    reason: 'It takes three round trips at most. nginx waits 60 s, Go 10 s by habit.',
  },
  {
    path: 'timeouts.headerMs',
    flag: 'headerTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'From the first byte of a request to the end of its fields; if exceeded: 408.',
    default: 20_000,
    reason: 'Slow-loris (CVE-2018-12122): a total, not a pause between bytes. nginx and node:http: 60 s.',
  },
  {
    path: 'timeouts.bodyMs',
    flag: 'bodyTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'Without progress of a request body while the server waits for it; if exceeded: 408.',
    default: 30_000,
    reason: "nginx's client_body_timeout is 60 s.",
  },
  {
    path: 'timeouts.handlerMs',
    flag: 'handlerTimeoutMs',
    kind: milliseconds(0, DAY_MS),
    help: 'Until the handler begins its response (0: unlimited); if exceeded: 504.',
    default: 60_000,
    reason: "nginx's proxy_read_timeout is 60 s. Once the response has begun, timeouts.sendMs applies.",
  },
  {
    path: 'timeouts.upstreamMs',
    flag: 'upstreamTimeoutMs',
    kind: milliseconds(0, DAY_MS),
    help: 'Silence of a program behind this server (--proxy) in the middle of its response (0: unlimited); if exceeded: cut off.',
    default: 60_000,
    reason: "nginx's uwsgi_read_timeout is 60 s. Until the response begins, timeouts.handlerMs applies.",
  },
  {
    path: 'timeouts.sendMs',
    flag: 'sendTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'Without progress of the client in reading its response; if exceeded: closed.',
    default: 30_000,
    reason: "nginx's send_timeout is 60 s.",
  },
  {
    path: 'timeouts.keepAliveMs',
    flag: 'keepAliveTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'Between two requests of a connection; if exceeded: closed.',
    default: 75_000,
    reason: "nginx: 75 s. node:http's 5 s races with proxies that keep theirs for 60 s.",
  },
  {
    path: 'timeouts.halfClosedMs',
    flag: 'halfClosedTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'For the response to a client that has finished sending; if exceeded: aborted.',
    default: 5_000,
    reason: 'FIN far more often means that the client has left than that it waits for the response.',
  },
  {
    path: 'timeouts.halfClosedSignalMs',
    kind: milliseconds(0, DAY_MS),
    help: 'From the FIN of a client until request.signal aborts (0: never).',
    default: 500,
    reason: '@hono/node-server waits 500 ms.',
  },
  {
    path: 'timeouts.lingerMs',
    flag: 'lingerTimeoutMs',
    kind: milliseconds(100, DAY_MS),
    help: 'Without a byte from a client after its last response; if exceeded: closed.',
    default: 5_000,
    reason:
      "RFC 9112 section 9.6: a client that still sends would lose the response to RST. nginx's lingering_timeout is 5 s.",
  },
  {
    path: 'timeouts.maxLingerMs',
    kind: milliseconds(100, DAY_MS),
    help: 'Total time for discarding bytes of a client after its last response; if exceeded: closed.',
    default: 30_000,
    reason: "nginx's lingering_time is 30 s.",
  },
  {
    path: 'timeouts.drainDelayMs',
    kind: milliseconds(0, DAY_MS),
    help: 'Before a server that closes stops accepting: it serves on, each response is the last of its connection, and /readyz says 503.',
    default: 0,
    reason:
      'A load balancer sends new clients until it has noticed: use two periods of its health check. 0, since a server without one would only end later.',
  },
  {
    path: 'timeouts.hangMs',
    flag: 'hangTimeoutMs',
    takers: ['command'],
    kind: milliseconds(0, DAY_MS),
    help: 'Without a turn of a worker of --workers (0: unlimited); if exceeded: it is killed and replaced.',
    default: 60_000,
    reason: "gunicorn's timeout is 30 s. An endless loop in an application would hold its clients for ever.",
  },
  {
    path: 'timeouts.shutdownMs',
    flag: 'shutdownTimeoutMs',
    kind: milliseconds(0, DAY_MS),
    help: 'For requests in flight when the server closes; if exceeded: cut off.',
    default: 8_000,
    reason: "gunicorn's graceful_timeout is 30 s; container runtimes kill after 10 s.",
  },
  {
    path: 'timeouts.shutdownGraceMs',
    kind: milliseconds(0, DAY_MS),
    help: 'For a last request on an idle connection when the server closes; if exceeded: closed.',
    default: 500,
    reason:
      'A request may be on its way, and would be lost. Go waits 5 s for the first request of a connection; more than a round trip around the world only delays the end.',
  },
  {
    path: 'timeouts.loadMs',
    flag: 'loadTimeoutMs',
    takers: ['load', 'command'],
    kind: milliseconds(100, DAY_MS),
    help: 'For loading the module of an application; if exceeded: loading fails.',
    default: 30_000,
    reason: 'gunicorn gives a worker 30 s to boot. A module may await a promise that never settles.',
  },
  {
    path: 'timeouts.offloadMs',
    flag: 'offloadTimeoutMs',
    takers: ['load', 'command'],
    kind: milliseconds(0, DAY_MS),
    help: 'Silence of a pool thread after its response began (0: unlimited); if exceeded: the thread is replaced.',
    default: 60_000,
    reason:
      "nginx's proxy_read_timeout is 60 s, between two reads too. A thread handles one request at a time: without a limit an endless computation would block it for ever. A stream of rare events has to send something in between, such as a comment.",
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
  ...LIMITS,
  ...TIMEOUTS,
].map((option) => (option.kind.range === undefined ? option : { placeholder: 'N', ...option }));

// The package as it is installed: into an empty folder, without scripts, with nothing in the PATH but node.

import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { page, runNpm, runOrFail, runToEnd, withServer } from '../programs.js';
import { installTools } from '../tools.js';

const require = createRequire(import.meta.url);

/** What a program that has `serve` does with it. */
const SERVING = `serve({ port: 0, fetch: () => new Response('served') }).then(async (server) => {
  console.log(await (await fetch(server.url)).text());
  await server.close();
});
`;

/** A bound for what hangs, no expectation. */
const MAX_WAIT_MS = 30_000;

/** The packages of examples/nest.js. */
const NEST = ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs'];

/** Applications of examples/: what each is asked, and what it answers. */
const APPLICATIONS = {
  'hello-wsgi.js': ['GET', 'Hello from /\n'],
  'hello-fetch.js': ['GET', 'Hello from /\n'],
  'hono.js': ['GET', 'Hello from Hono\n'],
  'h3.js': ['GET', 'Hello from h3\n'],
  'upload.js': ['POST', '"bytes":0'],
  'express.js': ['GET', 'Hello from Express\n'],
  'koa.js': ['GET', 'Hello from Koa'],
  'fastify.js': ['GET', 'Hello from Fastify'],
  'nest.js': ['GET', 'Hello from Nest\n'],
};
/** Servers of messages: each answers the text `hello`, which this sends with the packages of a folder. */
const SOCKETS = {
  'websocket.js': [
    'hello',
    (url, load) => {
      const { WebSocket } = load('ws');
      const socket = new WebSocket(url).on('open', () => socket.send('hello'));
      return { answer: once(socket, 'message'), close: () => socket.terminate() };
    },
  ],
  'socket-io.js': [
    'echo hello',
    (url, load) => {
      const socket = load('socket.io-client').io(url, { reconnection: false });
      socket.on('connect', () => socket.emit('message', 'hello'));
      return {
        answer: new Promise((resolve) => socket.once('message', (text) => resolve([text]))),
        close: () => socket.close(),
      };
    },
  ],
};
/** Programs of examples/ that are servers, and their first argument. */
const SERVERS = { 'server.js': '0', 'fixed-page.js': '0', 'conformance.js': '0' };
/** Those that are run in a way of their own. */
const OTHERS = [
  ...['echo-upgrade.js', 'server-sent-events.js', 'simulated.js', 'mini-framework'],
  ...Object.keys(SOCKETS),
];

/** The first event of a stream that does not end. */
async function firstEvent(url) {
  const { body } = await fetch(url);
  for await (const piece of body.pipeThrough(new TextDecoderStream())) return piece;
}

export class Installation {
  folder;
  package;
  #env;

  /** Installs the tarball. `root`: the clone, which has the dependencies of examples. */
  constructor(root, tarball) {
    this.root = root;
    this.folder = mkdtempSync(join(tmpdir(), 'epoll-server-package-'));
    this.package = join(this.folder, 'node_modules', 'epoll-server');
    const programs = join(this.folder, 'bin');
    mkdirSync(programs);
    symlinkSync(process.execPath, join(programs, 'node'));
    // npm keeps its cache in the home folder.
    this.#env = { PATH: programs, HOME: process.env.HOME ?? this.folder };
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball];
    runNpm(install, this.#options());
    // Once more, as everything is in npm's cache now.
    rmSync(join(this.folder, 'node_modules'), { recursive: true });
    const started = performance.now();
    runNpm(install, this.#options());
    this.installMs = performance.now() - started;
  }

  #options(env = {}) {
    return { cwd: this.folder, env: { ...this.#env, ...env } };
  }

  /** The command that npm linked, by node: the PATH has no env(1) for its first line. */
  #command(...args) {
    return [process.execPath, join(this.folder, 'node_modules', '.bin', 'epoll-server'), ...args];
  }

  /** A folder is served by the command. */
  async serves() {
    mkdirSync(join(this.folder, 'public'), { recursive: true });
    writeFileSync(join(this.folder, 'public', 'hello.txt'), 'hello\n');
    const text = await withServer(this.#command('0', './public'), this.#options(), (url) => page(`${url}/hello.txt`));
    if (text !== 'hello\n') throw new Error(`a file was served as ${JSON.stringify(text)}`);
    return 'epoll-server 0 ./public serves a file';
  }

  /** The names by which the package is imported, from its package.json. */
  get #names() {
    const { name, exports } = JSON.parse(readFileSync(join(this.package, 'package.json'), 'utf8'));
    return Object.keys(exports).map((key) => posix.join(name, key));
  }

  #write(name, text) {
    writeFileSync(join(this.folder, name), text);
    return name;
  }

  /** Both kinds of modules can have all of it. */
  imports() {
    const names = this.#names;
    const imported = names.map((name) => `import '${name}';\n`).join('');
    const required = names.map((name) => `require('${name}');\n`).join('');
    const programs = [
      this.#write('importing.mjs', `${imported}import { serve } from 'epoll-server';\n${SERVING}`),
      this.#write('requiring.cjs', `${required}const { serve } = require('epoll-server');\n${SERVING}`),
    ];
    for (const program of programs) {
      const said = runOrFail(process.execPath, [program], this.#options());
      if (said !== 'served\n') throw new Error(`${program} said ${said}`);
    }
    return `import and require of ${names.join(', ')}`;
  }

  /** Packages of the clone, which a user would install beside this one. */
  #borrow(...names) {
    this.#borrowFrom(this.root, names);
  }

  /** Those that are installed in `owner`. */
  #borrowFrom(owner, names) {
    for (const name of names) {
      const link = join(this.folder, 'node_modules', name);
      if (existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(owner, 'node_modules', name), link);
    }
  }

  /** A message of a client to a server of messages, and its answer. */
  async #exchange(url, [expected, send], load) {
    const { answer, close } = send(url, load);
    const [text] = await Promise.race([answer, setTimeout(MAX_WAIT_MS, ['nothing'], { ref: false })]);
    close();
    if (String(text) !== expected) throw new Error(`${url} answered ${text}`);
  }

  /** Runs the command with `args`, gives its address to `use`. */
  #serving(args, use) {
    return withServer(this.#command(...args, '--no-access-log'), this.#options(), use);
  }

  /** The examples run, those that are applications and those that are programs. */
  async examples() {
    this.#borrow('h3', 'hono', 'eta', 'express', 'koa', 'fastify', 'ws');
    const tools = installTools(this.root, 'frameworks');
    this.#borrowFrom(tools, NEST.concat('socket.io'));
    const load = createRequire(join(tools, 'package.json'));
    const examples = join(this.package, 'examples');
    const known = [...Object.keys(APPLICATIONS), ...Object.keys(SERVERS), ...OTHERS];
    const unknown = readdirSync(examples).filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new Error(`nothing runs examples/${unknown.join(', ')}`);
    for (const [file, [method, answer]] of Object.entries(APPLICATIONS)) {
      const text = await this.#serving(['0', join(examples, file)], (url) => page(url, { method }));
      if (!text.includes(answer)) throw new Error(`examples/${file} answered ${JSON.stringify(text)}`);
    }
    for (const [file, port] of Object.entries(SERVERS)) {
      const server = [process.execPath, join(examples, file), port, this.folder];
      await withServer(server, this.#options(), (url) => fetch(url));
    }
    for (const [file, messages] of Object.entries(SOCKETS)) {
      const server = [process.execPath, join(examples, file), '0'];
      await withServer(server, this.#options(), (url) => this.#exchange(url, messages, load));
    }
    const upgrade = ['0', join(examples, 'echo-upgrade.js'), '--adapter', 'raw'];
    const { status } = await this.#serving(upgrade, (url) => fetch(url));
    if (status !== 426) throw new Error(`examples/echo-upgrade.js answered ${status}`);
    const event = await this.#serving(['0', join(examples, 'server-sent-events.js')], firstEvent);
    if (!event.startsWith('data: ')) throw new Error(`examples/server-sent-events.js answered ${event}`);
    await this.#serving(['0', '--config', join(examples, 'mini-framework', 'site.yaml')], (url) => page(url));
    const simulated = runOrFail(process.execPath, [join(examples, 'simulated.js')], this.#options());
    if (!simulated.startsWith('slow: ')) throw new Error(`examples/simulated.js said ${simulated}`);
    return `all ${known.length}`;
  }

  /** Consumers in TypeScript compile, whatever they call their module resolution. */
  types() {
    this.#borrow('h3', 'hono', '@types/node');
    const consumers = join(this.folder, 'consumers');
    cpSync(join(this.root, 'scripts', 'consumers'), consumers, { recursive: true });
    writeFileSync(join(consumers, 'package.json'), '{ "type": "module" }\n');
    const all = this.#names.map((name, index) => `export * as e${index} from '${name}';\n`).join('');
    for (const name of ['all.ts', 'all.cts']) writeFileSync(join(consumers, name), all);
    const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
    const resolutions = ['nodenext', 'bundler'];
    for (const resolution of resolutions) {
      const project = join(consumers, `tsconfig.${resolution}.json`);
      // Declarations of other packages are not checked here: scripts/check-types.js tells them from ours.
      runOrFail(process.execPath, [tsc, '-p', project, '--skipLibCheck'], this.#options());
    }
    return resolutions.join(', ');
  }

  /** Runs the command, which must refuse with one line; returns that line. */
  refusal(args = ['0', '.'], options = {}) {
    const [program, ...rest] = this.#command(...args);
    return this.refusalOf(program, rest, options);
  }

  refusalOf(program, args, options = {}) {
    const { exit, stdout, stderr } = runToEnd(program, args, { ...this.#options(), ...options });
    const isOneLine = /^epoll-server: [^\n]+\n$/.test(stderr) && stdout === '';
    if (exit !== 1 || !isOneLine) throw new Error(`ended with ${exit} and said ${stdout}${stderr}`);
    return stderr.trim();
  }

  /** Compiles the package's own sources, as its error message advises, with the compiler of this machine. */
  async compiles() {
    const said = runOrFail(process.execPath, [join(this.package, 'scripts', 'compile.js')], {
      ...this.#options({ PATH: process.env.PATH }),
    });
    rmSync(join(this.package, 'prebuilds'), { recursive: true });
    await this.serves();
    return said.trim();
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

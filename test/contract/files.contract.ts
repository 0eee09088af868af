// Tests the contract of every implementation of `Files` (native/file.h), sentence by sentence.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, fstatSync, open, openSync, writeFileSync } from 'node:fs';
import { rm, symlink, truncate } from 'node:fs/promises';
import { constants as system } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { FILE_CHANGED_MS, FILE_MODIFIED_MS, FILE_SIZE, type Files } from '../../src/kernel/files.ts';
import { folder } from '../support/folder.ts';
import { Root } from '../support/root.ts';
import { pause, until } from '../support/until.ts';

const { EAGAIN, EBADF, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENXIO, EXDEV } = system.errno;

/** Blocks every thread of libuv's pool, until the returned function is called. */
function occupyPool(path: string): () => void {
  const pipe = `${path}/occupied`;
  execFileSync('mkfifo', [pipe]);
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  for (let i = 0; i < threads; i++) open(pipe, 'r', (_error, fd) => closeSync(fd));
  let writer = -1;
  const free = (): void => {
    if (writer < 0) writer = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  };
  onTestFinished(() => {
    free();
    closeSync(writer);
  });
  return free;
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

export function filesContract(name: string, make: () => Files): void {
  test(`${name}: a path never leads out of the root`, async () => {
    const parent = await folder({ 'www/a/b/c.txt': 'c', 'www/d.txt': 'd', 'secret.txt': 'SECRET' });
    const link = (to: string, path: string): Promise<void> => symlink(to, `${parent}/www/${path}`);
    await Promise.all([
      link('a/b', 'inside'),
      link('../../d.txt', 'a/b/up'),
      link('../secret.txt', 'out'),
      link('..', 'parent'),
      link(`${parent}/www/d.txt`, 'absolute'),
      link('loop', 'loop'),
      link('none', 'broken'),
    ]);
    const root = new Root(make, `${parent}/www`);
    for (const path of ['d.txt', 'a/../d.txt', './d.txt', 'a//b/../../d.txt', 'a/b/up', 'inside/up']) {
      expect(await root.text(path), path).toBe('d');
    }
    expect(await root.text('inside/c.txt')).toBe('c');
    for (const path of ['out', 'parent/secret.txt', 'absolute', '../secret.txt', 'a/../../secret.txt', '/etc/passwd']) {
      expect(await root.open(path), path).toBe(-EXDEV);
    }
    expect(await root.open('broken')).toBe(-ENOENT);
    expect(await root.open('none/x')).toBe(-ENOENT);
    expect(await root.open('d.txt/x')).toBe(-ENOTDIR);
    expect(await root.open('loop')).toBeLessThan(0);
    expect(await root.open('x'.repeat(300))).toBe(-ENAMETOOLONG);
    expect(await root.open('x/'.repeat(3_000))).toBe(-ENAMETOOLONG);
  });

  test(`${name}: only regular files are opened`, async () => {
    const path = await folder({ 'd/x.txt': '' });
    execFileSync('mkfifo', [`${path}/pipe`]);
    await symlink('pipe', `${path}/to-pipe`);
    const root = new Root(make, path);
    for (const directory of ['', '.', 'd', 'd/']) expect(await root.open(directory), directory).toBe(-EISDIR);
    for (const pipe of ['pipe', 'to-pipe']) expect(await root.open(pipe), pipe).toBe(-ENXIO);
    const writer = execFileSync('sh', ['-c', `timeout 0.2 sh -c 'echo x > ${path}/pipe' || echo "no reader came"`]);
    expect(writer.toString()).toBe('no reader came\n');
  });

  test(`${name}: the status is that of what was opened`, async () => {
    const root = new Root(make, await folder({ 'a.txt': '12345' }));
    const file = await root.open('a.txt');
    expect(file).toBeGreaterThanOrEqual(0);
    expect(root.files.status[FILE_SIZE]).toBe(5);
    expect(Math.abs((root.files.status[FILE_MODIFIED_MS] ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(root.files.close(file)).toBe(0);
  });

  test(`${name}: changes of an open file are reported, also when its name is deleted`, async () => {
    const path = await folder({ 'a.txt': '12345' });
    const root = new Root(make, path);
    const file = await root.open('a.txt');
    const changedMs = root.files.status[FILE_CHANGED_MS];
    expect(root.files.lookAt(file)).toBe(0);
    expect([root.files.status[FILE_SIZE], root.files.status[FILE_CHANGED_MS]]).toEqual([5, changedMs]);
    await truncate(`${path}/a.txt`, 3);
    expect(root.files.lookAt(file)).toBe(0);
    expect(root.files.status[FILE_SIZE]).toBe(3);
    // Times of change are as fine as the system's clock tick.
    await pause(20);
    const before = root.files.status[FILE_CHANGED_MS] ?? 0;
    await rm(`${path}/a.txt`);
    expect(root.files.lookAt(file)).toBe(0);
    if (process.platform === 'linux') expect(root.files.status[FILE_CHANGED_MS]).toBeGreaterThan(before);
    expect(root.files.close(file)).toBe(0);
    expect(root.files.lookAt(file)).toBe(-EBADF);
    expect(root.files.descriptorLimit).toBeGreaterThan(32);
  });

  test(`${name}: a read is short only at the end, and beyond it returns 0`, async () => {
    const path = await folder({ 'a.bin': Buffer.alloc(100_000, 'x') });
    const root = new Root(make, path);
    const file = await root.open('a.bin');
    const bytes = Buffer.alloc(100_001);
    const read = (length: number, position: number): Promise<number> =>
      root.later((done) => root.files.readLater(file, bytes, 1, length, position, done));
    expect(await read(100_000, 0)).toBe(100_000);
    expect(bytes.subarray(1).equals(Buffer.alloc(100_000, 'x'))).toBe(true);
    expect(bytes[0]).toBe(0);
    expect(await read(100_000, 99_990)).toBe(10);
    expect(await read(10, 100_000)).toBe(0);
    const now = root.files.read(file, bytes, 0, 10, 0);
    expect([10, -EAGAIN], 'the whole read, or EAGAIN').toContain(now);
    await truncate(`${path}/a.bin`, 5);
    expect(await read(10, 5)).toBe(0);
    expect(root.files.close(file)).toBe(0);
  });

  test(`${name}: a call keeps its descriptor, even when that is closed before the call runs`, async () => {
    const path = await folder({ 'a.txt': 'a', 'b.txt': 'b', 'other/a.txt': 'another' });
    const root = new Root(make, path);
    const { files, fd } = root;
    const file = await root.open('a.txt');
    const bytes = Buffer.alloc(10);
    const free = occupyPool(path);
    const reading = root.later((done) => files.readLater(file, bytes, 0, 10, 0, done));
    const opening = root.later((done) => files.openLater(fd, 'a.txt', done));
    const looking = root.later((done) => files.lookLater(fd, 'a.txt', done));
    const listing = root.later((done) => files.listLater(fd, '', 10, 1_000, false, '', done));
    const describing = root.later((done) => files.describeLater(fd, '', Buffer.from('a.txt\0'), done));
    expect([files.close(file), files.close(fd)]).toEqual([0, 0]);
    expect([files.close(file), files.open(fd, 'a.txt'), files.isResident(file, 0, 1)]).toEqual([
      -EBADF,
      -EBADF,
      -EBADF,
    ]);
    // The system reuses the lowest free number.
    const others = [`${path}/b.txt`, `${path}/other`].map((other) => openSync(other, 'r'));
    for (const other of others) expect([file, fd]).not.toContain(other);
    free();
    expect([await reading, bytes.toString('latin1', 0, 1)]).toEqual([1, 'a']);
    const opened = await opening;
    expect(opened).toBeGreaterThanOrEqual(0);
    expect([await looking, await listing, await describing]).toEqual([0, 0, 0]);
    expect([await root.later((done) => files.readLater(opened, bytes, 0, 10, 0, done)), bytes[0]]).toEqual([1, 0x61]);
    for (const closed of [file, fd]) await until(() => !isOpen(closed), 'the descriptor is closed after the last call');
    for (const other of others) closeSync(other);
  });

  test(`${name}: descriptors that are destroyed while calls wait are closed after these calls`, async () => {
    const path = await folder({ 'a.txt': 'a' });
    const root = new Root(make, path);
    const { files, fd } = root;
    const file = await root.open('a.txt');
    const bytes = Buffer.alloc(10);
    const free = occupyPool(path);
    const reading = root.later((done) => files.readLater(file, bytes, 0, 10, 0, done));
    const opening = root.later((done) => files.openLater(fd, 'a.txt', done));
    files.destroy();
    expect([isOpen(file), isOpen(fd)]).toEqual([true, true]);
    expect(files.openRoot(path), 'nothing is opened any more').toBe(-EBADF);
    free();
    expect([await reading, await opening, bytes[0]]).toEqual([1, -EBADF, 0x61]);
    for (const closed of [file, fd]) await until(() => !isOpen(closed), 'the descriptor is closed after the last call');
  });

  test(`${name}: a name with a NUL is rejected`, async () => {
    const root = new Root(make, await folder({ 'a.txt': 'a' }));
    expect(await root.open('a.txt\0.html')).toBeLessThan(0);
    expect(root.files.openRoot(`/\0${'x'.repeat(10)}`)).toBeLessThan(0);
  });

  test(`${name}: an unknown descriptor is EBADF, a range that does not fit is EINVAL`, async () => {
    const root = new Root(make, await folder({ 'a.txt': 'a' }));
    const { files } = root;
    const bytes = Buffer.alloc(10);
    for (const fd of [-1, 0, 1, 2, 1_000_000]) {
      expect(files.open(fd, 'a.txt'), String(fd)).toBe(-EBADF);
      expect(files.read(fd, bytes, 0, 1, 0), String(fd)).toBe(-EBADF);
      expect(files.close(fd), String(fd)).toBe(-EBADF);
      expect(
        files.readLater(fd, bytes, 0, 1, 0, () => {}),
        String(fd),
      ).toBe(-EBADF);
    }
    const file = await root.open('a.txt');
    for (const [offset, length] of [
      [0, 11],
      [10, 1],
      [-1, 1],
      [0, -1],
    ] as const) {
      expect(files.read(file, bytes, offset, length, 0)).toBe(-EINVAL);
      expect(files.readLater(file, bytes, offset, length, 0, () => {})).toBe(-EINVAL);
    }
    files.destroy();
    expect(files.open(root.fd, 'a.txt'), 'after destroy').toBe(-EBADF);
    files.destroy();
  });

  test(`${name}: a name may have any bytes: those that are not UTF-8 are lone surrogates`, async () => {
    const path = await folder({ 'a\ufffd': 'text' });
    writeFileSync(Buffer.from(`${path}/a\xff`, 'latin1'), 'bytes');
    const root = new Root(make, path);
    expect([await root.text('a\udcff'), await root.text('a\ufffd'), await root.text('a\udcfe')]).toEqual([
      'bytes',
      'text',
      `error ${ENOENT}`,
    ]);
    expect(root.files.open(root.fd, '\udcff'.repeat(4_096)), 'too long').toBe(-ENAMETOOLONG);
  });
}

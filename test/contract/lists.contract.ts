// Tests the contract of `Files` for listings of directories (native/file_list.h).

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { bytesOfName, nameOfBytes } from '../../src/files/file-name.ts';
import { FACTS_OF_NAME, type Files, NAME_IS_DIRECTORY, NAME_IS_FILE, UNCHANGED } from '../../src/kernel/files.ts';
import { folder } from '../support/folder.ts';
import { Root } from '../support/root.ts';
import { until } from '../support/until.ts';

const { EINVAL, ENOTDIR, EXDEV } = constants.errno;

export function listsContract(name: string, make: () => Files): void {
  test(`${name}: a listing omits links that lead nowhere or outside, and stops at its limit`, async () => {
    const path = await folder({ 'a.txt': '123', 'sub/x': '' });
    await mkdir(`${path}/empty`);
    execFileSync('mkfifo', [`${path}/pipe`]);
    await symlink('none', `${path}/broken`);
    await symlink('/etc/passwd', `${path}/outside`);
    await symlink('a.txt', `${path}/link`);
    await writeFile(`${path}/.hidden`, '');
    const root = new Root(make, path);
    const list = lister(root);
    expect(await list('')).toMatchObject({ names: ['empty', 'sub', 'a.txt', 'link'], isCut: false });
    expect(await list('', { showsHidden: true })).toMatchObject({
      names: ['empty', 'sub', '.hidden', 'a.txt', 'link'],
    });
    expect(await list('empty')).toMatchObject({ names: [], isCut: false });
    expect(await list('', { maxNames: 2 })).toMatchObject({ names: { length: 2 }, isCut: true });
    expect(await list('', { maxBytes: 13 })).toMatchObject({ names: { length: 2 }, isCut: true });
    expect(await list('', { maxNames: 4 })).toMatchObject({ names: { length: 4 }, isCut: false });
    expect(await list('a.txt')).toBe(-ENOTDIR);
    expect(await list('..')).toBe(-EXDEV);
  });

  test(`${name}: a listing is unchanged while its directory is, except after recent changes or with links`, async () => {
    const path = await folder({ 'a/1': '', 'b/1': '' });
    await symlink('1', `${path}/b/link`);
    const root = new Root(make, path);
    const list = lister(root);
    const stateOf = async (below: string): Promise<string> => {
      const listed = await list(below);
      return typeof listed === 'number' ? '' : listed.state;
    };
    expect(await stateOf('a'), 'it changed just now').toBe('');
    await until(async () => (await stateOf('a')) !== '', 'the state is old enough to be valid');
    const known = await stateOf('a');
    expect([await list('a', { known }), await stateOf('b')]).toEqual([UNCHANGED, '']);
    await writeFile(`${path}/a/2`, '');
    expect(await list('a', { known })).toMatchObject({ names: ['1', '2'] });
  });

  test(`${name}: the facts of a name are those of its current target`, async () => {
    const path = await folder({ 'd/a.txt': '123', 'd/sub/x': '', 'other/y': '12345' });
    await symlink('../other/y', `${path}/d/link`);
    await symlink('../other', `${path}/d/folder`);
    await symlink('/etc/passwd', `${path}/d/outside`);
    await utimes(`${path}/d/a.txt`, 1_000.5, 1_000.5);
    const root = new Root(make, path);
    const describe = describer(root);
    const [file, sub, link, linked, outside, gone] = await describe(
      'd',
      ...['a.txt', 'sub', 'link', 'folder', 'outside', 'no'],
    );
    expect(file).toEqual([NAME_IS_FILE, 3, 1_000_500]);
    expect([sub?.[0], linked?.[0]]).toEqual([NAME_IS_DIRECTORY, NAME_IS_DIRECTORY]);
    expect(link?.slice(0, 2)).toEqual([NAME_IS_FILE, 5]);
    expect([outside?.[0], gone?.[0]]).toEqual([0, 0]);
    expect(root.files.describeLater(root.fd, 'd', Buffer.from('no end'), () => {})).toBe(-EINVAL);
  });

  test(`${name}: names of any bytes are listed, and described, in the order of their bytes`, async () => {
    const path = await folder({ 'a\ufffd': 'text' });
    writeFileSync(Buffer.from(`${path}/a\xff`, 'latin1'), 'bytes');
    mkdirSync(Buffer.from(`${path}/b\xff`, 'latin1'));
    writeFileSync(Buffer.from(`${path}/b\xff/c`, 'latin1'), '');
    const root = new Root(make, path);
    expect(await lister(root)('')).toMatchObject({ names: ['b\udcff', 'a\ufffd', 'a\udcff'] });
    expect(await lister(root)('b\udcff')).toMatchObject({ names: ['c'] });
    const describe = describer(root);
    const [file, other, gone] = await describe('', 'a\udcff', 'a\ufffd', 'a\udcfe');
    expect([file?.[1], other?.[1], gone?.[0]]).toEqual([5, 4, 0]);
    expect((await describe('b\udcff', 'c'))[0]?.[0]).toBe(NAME_IS_FILE);
  });
}

interface Listed {
  readonly names: readonly string[];
  readonly isCut: boolean;
  readonly state: string;
}

interface ListOptions {
  readonly maxNames?: number;
  readonly maxBytes?: number;
  readonly showsHidden?: boolean;
  readonly known?: string;
}

/** Lists folders of `root`: returns their names, or the result of the call. */
function lister({ files, fd }: Root): (below: string, options?: ListOptions) => Promise<Listed | number> {
  return (below, { maxNames = 100, maxBytes = 1_000, showsHidden = false, known = '' } = {}) =>
    new Promise((resolve) => {
      const status = files.listLater(fd, below, maxNames, maxBytes, showsHidden, known, (result, found) => {
        if (found === undefined) return resolve(result);
        const names = nameOfBytes(Buffer.from(found.text)).split('\0').slice(0, -1);
        expect(found.starts.length).toBe(4 * (names.length + 1));
        resolve({ names, isCut: found.isCut, state: found.state });
      });
      if (status < 0) resolve(status);
    });
}

/** Describes names of folders of `root`: {@link FACTS_OF_NAME} numbers for each. */
function describer({ files, fd }: Root): (below: string, ...names: readonly string[]) => Promise<readonly number[][]> {
  return async (below, ...names) => {
    const text = bytesOfName(names.map((each) => `${each}\0`).join(''));
    const facts = await new Promise<Uint8Array | undefined>((resolve) => {
      files.describeLater(fd, below, text, (_result, found) => resolve(found));
    });
    const numbers = [...new Float64Array(facts?.buffer ?? new ArrayBuffer(0))];
    return names.map((_, index) => numbers.slice(index * FACTS_OF_NAME, (index + 1) * FACTS_OF_NAME));
  };
}

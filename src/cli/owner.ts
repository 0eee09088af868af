// The user and the group of the workers: their numbers, by their names, and the log files that belong to them.

import { execFileSync } from 'node:child_process';
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs';
import { EpollServerError, messageOf } from '../errors.ts';
import { DIGITS } from '../options/digits.ts';
import type { Settings } from '../options/option-types.ts';
import type { ProcessOwner } from '../workers/child-process.ts';
import { logFilesOf } from './written-files.ts';

/** @throws EpollServerError `ERR_OPTION`: there is no such user or group, or this process may not change it. */
export function ownerOf({ user, group }: Settings): ProcessOwner {
  if (user === undefined && group === undefined) return {};
  if (process.geteuid?.() !== 0) {
    const flag = user === undefined ? '--group' : '--user';
    throw new EpollServerError(
      'ERR_OPTION',
      `${flag} needs the rights of root: start the server as root, or remove it`,
    );
  }
  const uid = user === undefined ? undefined : numberOf(user, ['-u', '--', user], '--user', 'user');
  const gid = group === undefined ? groupOfUser(user) : groupNumber(group);
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

function groupOfUser(user: string | undefined): number | undefined {
  return user === undefined ? undefined : numberOf('', ['-g', '--', user], '--user', 'user');
}

/** Programs ask the same sources as everything else on the machine, which a file alone need not have. */
function numberOf(given: string, args: readonly string[], flag: string, what: string): number {
  if (DIGITS.test(given)) return Number(given);
  try {
    return Number(execFileSync('id', [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch (error) {
    const name = args.at(-1);
    throw new EpollServerError('ERR_OPTION', `${flag} is "${name}", and there is no such ${what}`, { cause: error });
  }
}

function groupNumber(group: string): number {
  if (DIGITS.test(group)) return Number(group);
  try {
    const line = execFileSync('getent', ['group', '--', group], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return Number(line.split(':')[2]);
  } catch (error) {
    throw new EpollServerError('ERR_OPTION', `--group is "${group}", and there is no such group`, { cause: error });
  }
}

const LOG_MODE = 0o644;

/**
 * Creates the log files that are missing and gives them to the workers, which write to them, and may have no right to
 * create a file in their folder.
 * @throws EpollServerError `ERR_ACCESS_LOG`.
 */
export function giveLogs(settings: Settings, { uid, gid }: ProcessOwner): void {
  if (uid === undefined && gid === undefined) return;
  for (const path of logFilesOf(settings)) {
    try {
      giveFile(path, uid ?? -1, gid ?? -1);
    } catch (error) {
      // A link, such as /dev/stdout.
      if (error instanceof Error && 'code' in error && error.code === 'ELOOP') continue;
      const text = `the log ${path} cannot be given to the workers: ${messageOf(error)}`;
      throw new EpollServerError('ERR_ACCESS_LOG', text, { cause: error });
    }
  }
}

/** The user of the workers may have put a link to another file in this place (CVE-2016-1247 of nginx): it stays as it is. */
function giveFile(path: string, uid: number, gid: number): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, LOG_MODE);
  try {
    const status = fstatSync(fd);
    if (status.isFile() && status.nlink === 1) fchownSync(fd, uid, gid);
  } finally {
    closeSync(fd);
  }
}

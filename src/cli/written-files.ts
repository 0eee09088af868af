// The files that a start writes: its logs and its PID file.

import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { EpollServerError, type ErrorCode, messageOf } from '../errors.ts';
import type { Settings } from '../options/option-types.ts';

/** The name of the system log among log files. */
export const SYSTEM_LOG = 'syslog';

/** The paths of the logs, without standard output and the system log. */
export function logFilesOf({ accessLog, errorLog }: Pick<Settings, 'accessLog' | 'errorLog'>): readonly string[] {
  return [accessLog, errorLog]
    .filter((log) => typeof log === 'string')
    .filter((log) => log !== '-' && log !== SYSTEM_LOG);
}

/**
 * Checks that these files can be written, and creates none: it would belong to the user of the check.
 * @throws EpollServerError `ERR_ACCESS_LOG`, `ERR_PID_FILE`.
 */
export function checkWrittenFiles(settings: Settings): void {
  const { pidFile } = settings;
  for (const log of logFilesOf(settings)) tryTo('ERR_ACCESS_LOG', 'the log cannot be opened', () => checkLog(log));
  if (pidFile !== undefined) tryTo('ERR_PID_FILE', 'the PID file cannot be written', () => checkFolderOf(pidFile));
}

function tryTo(code: ErrorCode, failure: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new EpollServerError(code, `${failure}: ${messageOf(error)}`, { cause: error });
  }
}

function checkLog(path: string): void {
  const { O_WRONLY, O_APPEND, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    closeSync(openSync(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    checkFolderOf(path);
  }
}

/** Whether a file can be created there. */
function checkFolderOf(path: string): void {
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
}

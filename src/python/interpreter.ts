// Finds the Python that runs an application, and says what is wrong with one that does not.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EpollServerError } from '../errors.ts';

/** The oldest version that the worker runs on: older ones are no longer maintained. */
const MIN_VERSION = [3, 8] as const;

const VERSION_TIMEOUT_MS = 10_000;

/** The usual names of a virtual environment in the folder of a project. */
const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/**
 * The interpreter of the application in `folders`: `given`, that of a virtual environment in one of the folders, that
 * of the active environment, or `python3` of PATH.
 */
export function interpreterFor(given: string | undefined, folders: readonly string[]): string {
  if (given !== undefined) return given;
  const candidates = folders.flatMap((folder) => ENVIRONMENTS.map((name) => join(folder, name)));
  const { VIRTUAL_ENV: active } = process.env;
  const environments = active === undefined ? candidates : [...candidates, active];
  // The marker of PEP 405: other folders have these names too.
  const environment = environments.find((each) => existsSync(join(each, 'pyvenv.cfg')));
  return environment === undefined ? 'python3' : join(environment, 'bin', 'python');
}

/**
 * Throws what keeps `python` from running the worker; returns if nothing does. Called when a worker did not start, since
 * asking costs as much as a start of Python.
 * @throws EpollServerError `ERR_PYTHON`.
 */
export async function checkInterpreter(python: string): Promise<void> {
  const version = await versionOf(python);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minMajor, minMinor] = MIN_VERSION;
  if (major > minMajor || (major === minMajor && minor >= minMinor)) return;
  throw new EpollServerError(
    'ERR_PYTHON',
    `${python} is Python ${version}, and ${MIN_VERSION.join('.')} or later is needed: name another one with --python`,
  );
}

async function versionOf(python: string): Promise<string> {
  const code = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  try {
    // -S: no packages, whose failure would be another one.
    const { stdout } = await promisify(execFile)(python, ['-S', '-c', code], { timeout: VERSION_TIMEOUT_MS });
    return stdout.trim();
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = isMissing ? 'there is none' : 'it does not run';
    throw new EpollServerError(
      'ERR_PYTHON',
      `the application needs Python, and ${python} was tried: ${why}. Install python3, or name it with --python`,
      { cause: error },
    );
  }
}

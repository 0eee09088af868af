// Finds the Python that runs an application, and says what is wrong with one that does not.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { pathStats } from '../app/path-stats.ts';
import { EpollServerError, messageOf } from '../errors.ts';

/** The oldest version that the worker runs on: older ones are no longer maintained. */
const MIN_VERSION = [3, 8] as const;

const VERSION_TIMEOUT_MS = 10_000;

const VERSION = /^\d+\.\d+\.\d+\s*$/;

/** The file that makes a folder a virtual environment (PEP 405). */
const ENVIRONMENT_MARKER = 'pyvenv.cfg';

/** The usual names of a virtual environment in the folder of a project. */
const ENVIRONMENTS = ['.venv', 'venv', 'env'];

/**
 * The interpreter of the application in `folders`: `given`, that of a virtual environment in one of the folders, that
 * of the active environment, or `python3` of PATH.
 */
export function interpreterFor(given: string | undefined, folders: readonly string[]): string {
  // Its process starts in another folder than this one.
  if (given !== undefined) return given.includes('/') ? resolve(given) : given;
  const candidates = folders.flatMap((folder) => ENVIRONMENTS.map((name) => join(folder, name)));
  const { VIRTUAL_ENV: active } = process.env;
  const environments = active === undefined ? candidates : [...candidates, active];
  // Other folders have these names too.
  const environment = environments.find((each) => existsSync(join(each, ENVIRONMENT_MARKER)));
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
  throw wrong(`${python} is Python ${version}, and ${MIN_VERSION.join('.')} or later is needed`);
}

async function versionOf(python: string): Promise<string> {
  const code = 'import sys; print("%d.%d.%d" % sys.version_info[:3])';
  // -S: no packages, whose failure would be another one.
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(python, ['-S', '-c', code], { timeout: VERSION_TIMEOUT_MS }));
  } catch (error) {
    throw wrong(notRun(python, error), error);
  }
  if (VERSION.test(stdout)) return stdout.trim();
  const printed = stdout.trim() === '' ? 'nothing' : JSON.stringify(firstLineOf(stdout));
  throw wrong(`${python} is no Python: asked for its version, it printed ${printed}`);
}

/** Why a program did not run to its end. */
function notRun(python: string, error: unknown): string {
  const { code, killed, stderr }: { code?: unknown; killed?: unknown; stderr?: unknown } = Object(error);
  if (code === 'ENOENT') return notThere(python);
  if (pathStats(python)?.isDirectory() === true)
    return `${python} is a folder: name the program in it, such as ${join(python, 'bin', 'python')}`;
  if (code === 'EACCES') return `${python} cannot be executed: it is no program, or this user has no permission`;
  if (killed === true) return `${python} has not said its version within ${VERSION_TIMEOUT_MS} ms`;
  const how = typeof code === 'number' ? `exit code ${code}` : messageOf(error);
  const said = firstLineOf(String(stderr ?? ''));
  return `${python} is no Python, or does not work: asked for its version, it ended (${how})${said && `: ${said}`}`;
}

function notThere(python: string): string {
  if (!python.includes('/')) return `there is no ${python} in PATH`;
  const environment = dirname(dirname(python));
  if (!existsSync(join(environment, ENVIRONMENT_MARKER))) return `there is no ${python}`;
  const again = `python3 -m venv --clear ${environment}`;
  return `${python} of a virtual environment leads to no Python: make it again, as by ${again}`;
}

function firstLineOf(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

function wrong(why: string, cause?: unknown): EpollServerError {
  return new EpollServerError(
    'ERR_PYTHON',
    `${why}. Install Python ${MIN_VERSION.join('.')} or later, or name it with --python PROGRAM`,
    { cause },
  );
}

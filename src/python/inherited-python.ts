// How the processes of one server find the Python workers that their parent runs: by a variable of the environment.

/** Sockets by the reference of their application, as JSON. */
const VARIABLE = 'EPOLL_SERVER_PYTHON_SOCKETS';

/** The variable for child processes. */
export function pythonEnvironment(paths: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return { [VARIABLE]: JSON.stringify(Object.fromEntries(paths)) };
}

/** The sockets that the parent of this process has; null: this process runs the workers itself. */
export function inheritedPythonSockets(): ReadonlyMap<string, string> | null {
  const text = process.env[VARIABLE];
  if (text === undefined) return null;
  // A server that an application starts has workers of its own.
  delete process.env[VARIABLE];
  const paths: object = Object(JSON.parse(text));
  return new Map(Object.entries(paths).map(([reference, path]) => [reference, String(path)]));
}

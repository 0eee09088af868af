// Watches an application's files by the names of their folders: a deployment that makes a name lead to another folder
// is a change, and that folder is watched from then on. No event tells of a link in the middle of a path.

import { realpath } from 'node:fs/promises';
import { watchFiles } from './file-watch.ts';

/** Between two looks at where the names lead. */
const LOOK_MS = 500;

/** As {@link watchFiles}; `names` need not be real paths. */
export async function watchNames(names: readonly string[], onChange: () => void): Promise<() => Promise<void>> {
  let places = await placesOf(names);
  let unwatch = await watchFiles(places, onChange);
  let looking: Promise<void> | null = null;
  const look = async (): Promise<void> => {
    const now = await placesOf(names);
    if (now.every((place, index) => place === places[index])) return;
    places = now;
    await unwatch();
    unwatch = await watchFiles(places, onChange);
    onChange();
  };
  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = null;
    });
  }, LOOK_MS);
  return async () => {
    clearInterval(timer);
    await looking;
    await unwatch();
  };
}

/** The real paths; what is not there is watched for by its name. */
function placesOf(names: readonly string[]): Promise<readonly string[]> {
  return Promise.all(names.map((name) => realpath(name).catch(() => name)));
}

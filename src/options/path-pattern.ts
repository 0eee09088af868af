// Patterns over the paths of files: globs, and names that hold a hash of their content.

import picomatch from 'picomatch';

/** Matches names into which bundlers put a hash of the content. */
const FINGERPRINTED = '@fingerprinted';

/** The last part before the extension: 8 characters or more behind a dot or dash, as in `app-BXl3vA9d.js`. */
const LAST_PART = /[.-]([0-9A-Za-z_-]{8,64})(?:\.[0-9a-z]{1,8}){1,2}$/;

/** Whether a name looks as if it changes with its content: no word and no date looks like a hash. */
export function isFingerprinted(name: string): boolean {
  const part = LAST_PART.exec(name)?.[1]?.split('-').at(-1) ?? '';
  if (part.length < 8) return false;
  const hasDigit = /\d/.test(part);
  const [hasLower, hasUpper] = [/[a-z]/.test(part), /[A-Z]/.test(part)];
  return hasDigit ? hasLower || hasUpper : hasLower && hasUpper && !/^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*$/.test(part);
}

/** An escaped character, a set, or alternatives without others inside. */
const GROUP = /\\.|\[(?:\[:\w+:\]|[^[\]/])+\]|\{[^[\]{}]+\}/g;

/** The source of picomatch's expression for a glob that has none: nothing matches. */
const NOTHING = '$^';

function checkBrackets(glob: string): void {
  let rest = '';
  for (let before = glob; before !== rest; before = rest.replaceAll(GROUP, '-')) rest = before;
  const wrong = /[[\]{}]/.exec(rest)?.[0];
  if (wrong !== undefined) throw new Error(`its ${wrong} belongs to no set and no alternatives`);
  if (picomatch.makeRe(glob).source === NOTHING) throw new Error('it has a set of characters in the wrong order');
}

/** @throws Error: the pattern is not a glob. */
export function matcherOf(given: string): (path: string) => boolean {
  const pattern = given.endsWith('/') ? `${given}**` : given;
  if (pattern === FINGERPRINTED) return (path) => isFingerprinted(path.slice(path.lastIndexOf('/') + 1));
  const bare = pattern.replace(/^\//, '');
  checkBrackets(bare);
  // picomatch matches `a` by `a/**`, and not by `*/**`.
  const globs = bare.endsWith('/**') ? [bare.slice(0, -'/**'.length), bare] : bare;
  // Without a slash it matches names in any folder. Names may contain line feeds, so `.` has to match them.
  return picomatch(globs, { dot: true, basename: !pattern.includes('/'), flags: 's' });
}

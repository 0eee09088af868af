// The text of --help, made from the lists of flags and bounds.

import { MODEL_NAMES } from '../config/model-names.ts';
import { VARIABLE_PREFIX } from '../config/names.ts';
import { LIMIT_NAMES, LIMITS } from '../limits.ts';
import { FLAGS, limitFlag } from './arguments.ts';

/** Columns of the left side. */
const WIDTH = 32;

function line(left: string, right: string): string {
  return left.length < WIDTH ? `  ${left.padEnd(WIDTH)}${right}` : `  ${left}\n  ${' '.repeat(WIDTH)}${right}`;
}

export function helpText(): string {
  const flags = FLAGS.map(({ name, short, value, text }) =>
    line(`${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`, text),
  );
  const limits = LIMIT_NAMES.map((name) =>
    line(`--${limitFlag(name)} N`, `${LIMITS[name].text} (default ${LIMITS[name].byDefault})`),
  );
  return [
    'usage: epoll-server [PORT] [FOLDER] [MODULE:NAME] [flags]',
    '',
    'Serves a folder, an application, or both, from one thread, or by another model:',
    `  ${MODEL_NAMES.join(', ')}.`,
    '',
    '  epoll-server                                  the built-in site on port 8080',
    '  epoll-server 9000 ./public                    a folder',
    '  epoll-server 9000 ./public /assets=./dist     two folders',
    '  epoll-server 9000 examples/hello-wsgi.js      an application',
    '  epoll-server 9000 ./public app.js             a folder, and an application for what it does not have',
    '  epoll-server --config site.yaml               whatever a file says',
    '',
    'Commands:',
    '',
    '  epoll-server conform URL                      what an HTTP/1.1 server gets wrong (conform --help)',
    '  epoll-server compare                          what each model costs, measured here (compare --help)',
    '',
    'Flags:',
    ...flags,
    '',
    `Each flag is a key of the config file too, and a variable: --port, port, ${VARIABLE_PREFIX}PORT. The flag wins over`,
    'the variable, that over the file. --no-listing turns off what one of those turned on.',
    '',
    'Bounds (bytes, counts, milliseconds):',
    ...limits,
    '',
  ].join('\n');
}

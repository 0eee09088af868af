// The text of --help, made from the option table.

import { COMMAND_OPTIONS } from '../config/resolve.ts';
import { MODEL_NAMES } from '../options/choices.ts';
import { VARIABLE_PREFIX } from '../options/names.ts';
import { groupOf, type Option } from '../options/option.ts';
import { COMMAND_FLAGS, type Flag, flagsOf } from './arguments.ts';

/** Columns of the left side. */
const WIDTH = 32;

function line(left: string, right: string): string {
  return left.length < WIDTH ? `  ${left.padEnd(WIDTH)}${right}` : `  ${left}\n  ${' '.repeat(WIDTH)}${right}`;
}

/** The line of one flag. */
export function flagLine({ name, letter, placeholder, isOptional, help }: Flag): string {
  const left = `${letter === undefined ? '    ' : `-${letter}, `}--${name}`;
  const value = isOptional === true ? `[=${placeholder}]` : ` ${placeholder}`;
  return line(placeholder === undefined ? left : left + value, help);
}

function isBound(option: Option): boolean {
  return groupOf(option) === 'limits' || groupOf(option) === 'timeouts';
}

export function helpText(): string {
  const flags = [...COMMAND_OPTIONS.filter((option) => !isBound(option)).flatMap(flagsOf), ...COMMAND_FLAGS];
  const bounds = COMMAND_OPTIONS.filter(isBound).flatMap(flagsOf);
  return [
    'usage: epoll-server [PORT] [FOLDER] [MODULE:NAME] [flags]',
    '',
    'Serves a folder, an application, or both, from one thread, or by another model:',
    `  ${MODEL_NAMES.join(', ')}.`,
    '',
    '  epoll-server                                  ./html, ./public, ./dist or . on port 8080, else the built-in site',
    '  epoll-server 9000 ./public                    a folder',
    '  epoll-server 9000 ./public /assets=./dist     two folders',
    '  epoll-server 9000 examples/hello-wsgi.js      an application',
    '  epoll-server 9000 ./public app.mjs            a folder, and an application for all other paths',
    '  epoll-server --config site.yaml               the settings of a file',
    '',
    'Commands:',
    '',
    '  epoll-server conform URL                      test an HTTP/1.1 server for conformance (conform --help)',
    '  epoll-server reload FILE                      reload the server whose PID file (--pid-file) this is',
    '  epoll-server compare                          measure the models on this machine (compare --help)',
    '',
    'Flags:',
    ...flags.map(flagLine),
    '',
    `Each flag is a variable too (--port, ${VARIABLE_PREFIX}PORT), and can be set in the config file. A flag overrides the`,
    'variable, the variable overrides the file. --no-listing turns off --listing. PORT is read too.',
    '',
    'Limits (bytes, counts, milliseconds):',
    ...bounds.map(flagLine),
    '',
  ].join('\n');
}

// Virtual hosts: a root and options for each host name.

import { resolve } from 'node:path';
import { type GenericSchema, optional, pipe, rawCheck, record, strictObject, transform, union } from 'valibot';
import { EpollServerError, messageOf } from '../errors.ts';
import { hostName, isHostName } from './host-name.ts';
import { keyedPairs, NAME, SEVERAL } from './kinds.ts';
import { nearest } from './nearest.ts';
import { keyOf, type Option, type ValueKind } from './option.ts';
import { problemText } from './problem.ts';

/** The folder of a host and its own options, by key. */
export interface GivenHost extends Readonly<Record<string, unknown>> {
  readonly root: string;
}

type GivenHosts = Readonly<Record<string, string | GivenHost>>;

const EXAMPLE = 'www.example.org=./www';

/** `options`: those that a host may set for itself. */
export function virtualHosts(root: Option, options: readonly Option[]): ValueKind<GivenHosts> {
  const host = hostSchema(root, options);
  return {
    schema: pipe(
      union([SEVERAL, record(NAME, union([NAME, host]))]),
      rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        try {
          hostsOf(keyedPairs(dataset.value, EXAMPLE));
        } catch (error) {
          addIssue({ message: messageOf(error) });
        }
      }),
      transform((value): GivenHosts => keyedPairs(value, EXAMPLE)),
    ),
    expected: `of the form ${EXAMPLE}`,
    type: 'string | readonly string[] | Readonly<Record<string, string | HostOptions>>',
    result: 'Readonly<Record<string, string | HostSettings>>',
    isVariadic: true,
    fromTexts: (texts) => texts,
    rebase: (value, folder) =>
      Object.fromEntries(Object.entries(value).map(([name, each]) => [name, rebased(each, folder, options)])),
  };
}

/** An object that has only the keys of `options`. */
function hostSchema(root: Option, options: readonly Option[]): GenericSchema<unknown, GivenHost> {
  const keys = [root, ...options].map(keyOf);
  const own = options.map((option) => [keyOf(option), optional(named(option))] as const);
  const entries = { root: named(root), ...Object.fromEntries(own) };
  return pipe(
    strictObject(entries, ({ expected, path }) => {
      const key = String(path?.at(-1)?.key);
      if (expected !== 'never') return `a host needs "${key}"`;
      const near = nearest(key, keys);
      return `a host cannot have the option "${key}"${near === undefined ? '' : ` (did you mean "${near}"?)`}`;
    }),
    // The schema of the root has made a text of it.
    transform((given) => withoutUndefined(given) as GivenHost),
  );
}

/** The schema of an option; its message also names the option. */
function named(option: Option): GenericSchema {
  const { schema, expected } = option.kind;
  const naming = rawCheck<unknown>(({ dataset: { issues, value }, addIssue }) => {
    if (issues === undefined) return;
    addIssue({ message: problemText({ where: `${keyOf(option)} of a host`, issues, expected, written: value }) });
  });
  return pipe(schema, naming);
}

/** Removes undefined options: they would override inherited values. */
function withoutUndefined(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function rebased(host: string | GivenHost, folder: string, options: readonly Option[]): string | GivenHost {
  if (typeof host === 'string') return resolve(folder, host);
  const own = options.flatMap((option) => {
    const value = host[keyOf(option)];
    return value === undefined || option.kind.rebase === undefined
      ? []
      : [[keyOf(option), option.kind.rebase(value, folder)] as const];
  });
  return { ...host, ...Object.fromEntries(own), root: resolve(folder, host.root) };
}

/**
 * Each host by its name in lower case.
 * @throws EpollServerError `ERR_OPTION`: no host, or the same host twice.
 */
export function hostsOf<T>(hosts: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  const seen = new Set<string>();
  return Object.entries(hosts).map(([given, value]) => {
    const name = hostName(given);
    if (!isHostName(name)) {
      throw new EpollServerError(
        'ERR_OPTION',
        `a host must be a name such as www.example.org or *.example.org, without a port, not "${given}"`,
      );
    }
    if (seen.has(name)) throw new EpollServerError('ERR_OPTION', `the host ${name} is given twice`);
    seen.add(name);
    return [name, value];
  });
}

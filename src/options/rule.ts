// What all rules have in common, and how a list of rules becomes the value of an option.

import { array, type GenericSchema, pipe, rawTransform, union } from 'valibot';
import { messageOf } from '../errors.ts';
import { NAME } from './kinds.ts';
import type { ValueKind } from './option.ts';
import { RulePattern } from './rule-pattern.ts';

export interface Rule {
  readonly pattern: RulePattern;
  /** As it was written: text, or an object. */
  readonly written: unknown;
  /** Where it was set: `--header`, `EPOLL_SERVER_HEADER`, `site.yaml:12`, `rules.headers`. */
  readonly origin?: string;
}

/** One form of rules. */
export interface RuleForm<G extends object, R extends Rule> {
  /** The object that text stands for. @throws Error whose text follows "must be". */
  readonly parse: (text: string) => G;
  /** The object in code and config files. */
  readonly object: GenericSchema<unknown, G>;
  /** @throws Error whose text follows "must be". */
  readonly make: (given: G, written: unknown) => R;
  /** Follows "must be" in messages about a value of another type. */
  readonly expected: string;
  /** The name of the type of the object. */
  readonly type: string;
  /** Makes the path of a file absolute. */
  readonly rebase?: (rule: R, folder: string) => R;
}

/** The pattern of a rule; absent: all paths. */
export function patternOf(text = '/**'): RulePattern {
  return new RulePattern(text);
}

/** `PATTERN REST`. @throws Error: there is no blank. */
export function splitAtBlank(text: string, form: string): readonly [pattern: string, rest: string] {
  const found = /^(\S+)\s+(\S.*)$/.exec(text.trim());
  if (found === null) throw new Error(`must be of the form "${form}", not ${JSON.stringify(text)}`);
  return [found[1] ?? '', found[2] ?? ''];
}

/** Texts that are separated by blanks or commas, or a list. */
export function listed(given: string | readonly string[] | undefined): readonly string[] {
  return typeof given === 'string' ? given.split(/[\s,]+/).filter((each) => each !== '') : (given ?? []);
}

/** A rule, or a list of rules. Each is checked alone, so that a message can name its line. */
export function rules<G extends object, R extends Rule>(form: RuleForm<G, R>): ValueKind<readonly R[]> {
  const { expected, type, rebase } = form;
  const item = pipe(
    union([NAME, form.object]),
    rawTransform(({ dataset: { value }, addIssue, NEVER }): R => {
      try {
        return form.make(typeof value === 'string' ? form.parse(value) : value, value);
      } catch (error) {
        addIssue({ message: messageOf(error) });
        return NEVER;
      }
    }),
  );
  return {
    schema: union([
      pipe(
        item,
        rawTransform(({ dataset }): readonly R[] => [dataset.value]),
      ),
      array(item),
    ]),
    item,
    expected,
    type: `string | ${type} | readonly (string | ${type})[]`,
    result: `readonly ${type.replace(/Options$/, '')}[]`,
    isVariadic: true,
    fromTexts: (texts) => texts,
    written: (value) => value.map(({ written }) => written),
    ...(rebase === undefined ? {} : { rebase: (value, folder) => value.map((rule) => rebase(rule, folder)) }),
  };
}

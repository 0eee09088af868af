// Vary of answers that depend on more request fields than their own fields say.

import { type FieldInput, PreparedFields, prepareFields } from './fields.ts';

/** Fields that are sent again and again are extended once, for one list of names. */
const extended = new WeakMap<PreparedFields, { readonly names: string; readonly fields: PreparedFields }>();

/**
 * `fields` whose Vary names `names` (`Accept, Accept-Encoding`) too, in one line.
 * @throws TypeError as `prepareFields` does.
 */
export function addVary(fields: FieldInput, names: string): PreparedFields {
  const prepared = prepareFields(fields);
  const known = extended.get(prepared);
  if (known?.names === names) return known.fields;
  const made = extend(prepared, names);
  extended.set(prepared, { names, fields: made });
  return made;
}

function extend(fields: PreparedFields, names: string): PreparedFields {
  const pairs = fields.pairs();
  const given = pairs.filter(isVary).map(([, value]) => value);
  const members = [...given, names].flatMap((value) => value.split(',')).map((member) => member.trim());
  // RFC 9110 section 12.5.5: the answer may depend on anything already.
  if (members.includes('*')) return fields;
  const byName = new Map(members.map((member) => [member.toLowerCase(), member]));
  byName.delete('');
  const value = [...byName.values()].join(', ');
  return new PreparedFields([...pairs.filter((pair) => !isVary(pair)), ['Vary', value]]);
}

function isVary([name]: readonly [string, string]): boolean {
  return name.toLowerCase() === 'vary';
}

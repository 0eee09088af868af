// Adds request fields to the Vary field of a response.

import { type FieldInput, PrecompiledFields, precompileFields } from './fields.ts';

/** Caches the last extension of precompiled fields, for one list of names. */
const extended = new WeakMap<PrecompiledFields, { readonly names: string; readonly fields: PrecompiledFields }>();

/**
 * `fields` with `names` (`Accept, Accept-Encoding`) added to Vary, in one line.
 * @throws TypeError as `precompileFields` does.
 */
export function addVary(fields: FieldInput, names: string): PrecompiledFields {
  const prepared = precompileFields(fields);
  const known = extended.get(prepared);
  if (known?.names === names) return known.fields;
  const made = extend(prepared, names);
  extended.set(prepared, { names, fields: made });
  return made;
}

function extend(fields: PrecompiledFields, names: string): PrecompiledFields {
  const pairs = fields.pairs();
  const given = pairs.filter(isVary).map(([, value]) => value);
  const members = [...given, names].flatMap((value) => value.split(',')).map((member) => member.trim());
  // `*` covers every field already (RFC 9110 section 12.5.5).
  if (members.includes('*')) return fields;
  const byName = new Map(members.map((member) => [member.toLowerCase(), member]));
  byName.delete('');
  const value = [...byName.values()].join(', ');
  return new PrecompiledFields([...pairs.filter((pair) => !isVary(pair)), ['Vary', value]]);
}

function isVary([name]: readonly [string, string]): boolean {
  return name.toLowerCase() === 'vary';
}

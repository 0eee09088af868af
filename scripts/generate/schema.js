// The JSON Schema of config files, by which editors complete and check them.
import { toJsonSchema } from '@valibot/to-json-schema';
import { groupOf, isTakenBy, keyOf } from './option.js';

/** What a config file may say: the schema's side in front of what it is turned into. */
function property({ kind, help, default: value }) {
  const { $schema: _, ...schema } = toJsonSchema(kind.schema, { typeMode: 'input', errorMode: 'ignore' });
  return { description: help, ...schema, ...(value === undefined ? {} : { default: value }) };
}

function properties(options) {
  return Object.fromEntries(options.map((option) => [keyOf(option), property(option)]));
}

export function configSchema(options) {
  const known = options.filter((option) => isTakenBy(option, 'command'));
  const groups = [...new Set(known.map(groupOf))].filter((group) => group !== '');
  const nested = groups.map((group) => {
    const object = {
      type: 'object',
      additionalProperties: false,
      properties: properties(known.filter((option) => groupOf(option) === group)),
    };
    return [group, group === 'static' ? { anyOf: [{ type: 'string' }, object] } : object];
  });
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Settings of epoll-server',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      ...properties(known.filter((option) => groupOf(option) === '')),
      ...Object.fromEntries(nested),
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

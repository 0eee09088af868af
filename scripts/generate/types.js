// The TypeScript types of options, with a docstring for each.
import { defaultText, groupOf, isTakenBy, keyOf, nameOf, rangeText, sentence } from './option.js';

const NOTICE = '// Generated from src/options/table.ts by `npm run generate`: do not edit.';

/** Columns of a line. */
const WIDTH = 120;

/** Words in lines of a comment that is indented by two. */
function comment(text, indent = '  ') {
  const single = `${indent}/** ${text} */`;
  if (single.length <= WIDTH) return single;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (`${indent} * ${line} ${word}`.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join('\n');
}

function docOf(option) {
  const [value, range] = [defaultText(option), rangeText(option)];
  const facts = [range === '' ? '' : `${range}`, value === '' ? '' : `default: ${value}`].filter((part) => part !== '');
  const parts = [sentence(option.help), facts.length === 0 ? '' : sentence(facts.join('; ')), option.reason ?? ''];
  return comment(parts.filter((part) => part !== '').join(' '));
}

function typeInCode({ inCode, kind }) {
  return (inCode ?? kind).type;
}

function resultOf({ kind }) {
  return kind.result ?? kind.type;
}

/** A property of checked settings: without a default it may be absent. */
function setting(option, name) {
  return option.default === undefined
    ? `  readonly ${name}?: ${resultOf(option)} | undefined;`
    : `  readonly ${name}: ${resultOf(option)};`;
}

/** Properties that may be left out. */
function optional(options) {
  return options.flatMap((option) => [
    docOf(option),
    `  readonly ${keyOf(option)}?: ${typeInCode(option)} | undefined;`,
  ]);
}

function iface(doc, name, lines) {
  return [comment(doc, ''), `export interface ${name} {`, ...lines, '}', ''];
}

const isLimit = (option) => ['limits', 'timeouts'].includes(groupOf(option));

/** src/limits.ts: what every room of the server may import. */
export function limitTypes(options) {
  const names = options.filter(isLimit).map(nameOf);
  return [
    '// Every bound of the server by name, as a number. What each means, and why, says docs/options.md.',
    NOTICE,
    '',
    ...iface(
      'A value for every bound, with its unit at the end of its name.',
      'Limits',
      options.filter(isLimit).flatMap((option) => [comment(option.help), `  readonly ${nameOf(option)}: number;`]),
    ),
    '/** The name of a bound. */',
    'export type LimitName = keyof Limits;',
    '',
    '/** Makes an object of all bounds. It is written out, so that V8 gives it a shape of its own. */',
    'export function makeLimits(value: (name: LimitName) => number): Limits {',
    '  return {',
    ...names.map((name) => `    ${name}: value('${name}'),`),
    '  };',
    '}',
    '',
  ].join('\n');
}

/** Names and docstrings of the types of groups, by what takes them. */
const GROUP_TYPES = {
  serve: {
    limits: ['LimitOptions', 'Limits in bytes, bytes per second and counts.'],
    timeouts: ['TimeoutOptions', 'Time limits in milliseconds.'],
    log: ['LogOptions', 'The logs: access, trace and errors.'],
    rules: ['RuleOptions', 'Rules by path and host, each kind in the order written; docs/rules.md describes them.'],
  },
  load: {
    limits: ['ApplicationLimitOptions', 'Limits of an application, in counts.'],
    timeouts: ['ApplicationTimeoutOptions', 'Time limits of an application, in milliseconds.'],
    log: ['ApplicationLogOptions', 'The log of an application.'],
  },
};

/** The properties that stand for groups. */
function groupProperties(taker) {
  return Object.entries(GROUP_TYPES[taker]).flatMap(([group, [name, doc]]) => [
    comment(doc),
    `  readonly ${group}?: ${name} | undefined;`,
  ]);
}

/** The types of files: as they are given, and checked. */
function staticTypes(options, taken) {
  const perHost = options.filter(({ perHost }) => perHost !== undefined);
  const root = options.find(({ path }) => path === 'static.root');
  const staticOnly = taken('serve', 'static').filter((option) => option !== root && !perHost.includes(option));
  return [
    ...iface('How the files of one host are served.', 'HostOptions', [
      docOf(root),
      `  readonly root: ${typeInCode(root)};`,
      ...optional(perHost),
    ]),
    comment('How files are served. A string stands for `root` alone.', ''),
    'export interface StaticOptions extends HostOptions {',
    ...optional(staticOnly),
    '}',
    '',
    ...iface(
      'The options of one host, checked. What a host does not have is inherited, or has its default.',
      'HostSettings',
      [
        `  readonly root: ${resultOf(root)};`,
        ...perHost.map((option) => `  readonly ${keyOf(option)}?: ${resultOf(option)} | undefined;`),
      ],
    ),
    ...iface('How files are served, checked and complete.', 'StaticSettings', [
      '  /** Null: only the mounted folders are served. */',
      `  readonly root: ${resultOf(root)} | null;`,
      ...[...perHost, ...staticOnly].map((option) => setting(option, keyOf(option))),
    ]),
  ];
}

/** src/options/option-types.ts */
export function optionTypes(options) {
  const taken = (taker, group) => options.filter((option) => groupOf(option) === group && isTakenBy(option, taker));
  const settings = options.filter((option) => isTakenBy(option, 'command'));
  const groups = Object.entries(GROUP_TYPES).flatMap(([taker, types]) =>
    Object.entries(types).flatMap(([group, [name, doc]]) => iface(doc, name, optional(taken(taker, group)))),
  );
  return [
    '// The types of options: as they are given, and as they are once they are checked.',
    NOTICE,
    '',
    "import type { Handler, HttpRequest } from '../http/handler.ts';",
    "import type { Limits } from '../limits.ts';",
    "import type { AccessRule, AccessRuleOptions, RateRule, RateRuleOptions } from './access-rule.ts';",
    "import type { CacheRule } from './cache-rule.ts';",
    "import type { AdapterName, ClientCertificates, LogFormat, ModelName, ProxyFields } from './choices.ts';",
    "import type { CorsRule, CorsRuleOptions } from './cors-rule.ts';",
    "import type { AuthRule, AuthRuleOptions, ErrorPageRule, ErrorPageRuleOptions, MaintenanceRule, MaintenanceRuleOptions } from './file-rule.ts';",
    "import type { HeaderRule, HeaderRuleOptions } from './header-rule.ts';",
    "import type { ListenOption } from './listen-address.ts';",
    "import type { MountedModule } from './mounted-module.ts';",
    "import type { RedirectRule, RedirectRuleOptions, RewriteRuleOptions, SlashRule, SlashRuleOptions } from './redirect-rule.ts';",
    "import type { TlsOption } from './tls-option.ts';",
    '',
    '/** Receives complete lines of text, once per turn of the loop. It must not block. */',
    'export type Sink = (text: string) => void;',
    '',
    ...groups,
    ...iface('The options of loadApplication().', 'ApplicationOptions', [
      ...optional(taken('load', '')),
      ...groupProperties('load'),
    ]),
    ...staticTypes(options, taken),
    comment('The checked settings of the command from flags, variables and a config file, by name.', ''),
    'export interface Settings extends Limits {',
    ...settings.filter((option) => !isLimit(option)).map((option) => setting(option, nameOf(option))),
    '}',
    '',
    '/** The name of a setting of the command. */',
    'export type SettingName = keyof Settings;',
    '',
  ].join('\n');
}

/** src/server/serve-options.ts */
export function serveTypes(options) {
  const top = options.filter((option) => groupOf(option) === '' && isTakenBy(option, 'serve'));
  return [
    '// The options of serve().',
    NOTICE,
    '',
    "import type { FetchApplication } from '../adapters/fetch.ts';",
    "import type { WsgiApplication } from '../adapters/wsgi.ts';",
    "import type { Handler } from '../http/handler.ts';",
    "import type { ProxyFields } from '../options/choices.ts';",
    "import type { ListenOption } from '../options/listen-address.ts';",
    "import type { LimitOptions, LogOptions, RuleOptions, StaticOptions, TimeoutOptions } from '../options/option-types.ts';",
    "import type { TlsOption } from '../options/tls-option.ts';",
    "import type { ErrorHandler } from './failure-response.ts';",
    '',
    ...iface('The options of serve().', 'ServeOptions', [
      ...optional(top),
      '  /** Files to serve: they come first, then the application. A string is the folder. */',
      '  readonly static?: string | StaticOptions | undefined;',
      ...groupProperties('serve'),
    ]),
  ].join('\n');
}

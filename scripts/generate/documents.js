// docs/options.md: every option with its flag, its default, and the reason for it.
import { table } from './markdown.js';
import { defaultText, groupOf, isTakenBy, kebab, nameOf, rangeText, sentence } from './option.js';

const INTRODUCTION = `# Options

Generated from \`src/options/table.ts\` by \`npm run generate\`.

An option has one name in code and in a config file (\`timeouts.keepAliveMs\`), and one as a flag
(\`--keep-alive-timeout-ms\`) and a variable (\`EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS\`). A flag wins over a variable, a variable
over a config file, a file over the default. A switch is turned off by \`--no-NAME\`. Several values of a variable stand on
lines of their own. A number may be given as text, as in \`port: process.env.PORT\`. An option without a flag exists in code
alone. In code, options belong to \`serve()\` unless their row says otherwise.
`;

const SECTIONS = [
  ['', 'Server and application', ''],
  ['static', 'static: files', '`static: "./public"` stands for `static: { root: "./public" }`.'],
  ['rules', 'rules: by path and host', 'In the order in which they apply; [rules.md](rules.md) describes them.'],
  ['limits', 'limits: bytes and counts', ''],
  ['timeouts', 'timeouts: milliseconds', ''],
  ['log', 'log', ''],
];

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}

function flagText(option) {
  const { letter, placeholder, kind, default: value } = option;
  if (!isTakenBy(option, 'command')) return '';
  const isOff = kind.isSwitch === true && value === true;
  const flag = `\`--${isOff ? 'no-' : ''}${kebab(nameOf(option))}\``;
  const shown = kind.mayHaveValue === true ? `[=${placeholder}]` : (placeholder ?? '');
  return cell([flag + (letter === undefined ? '' : `, \`-${letter}\``), shown].join(' ').trim());
}

/** What takes it in code; empty for `serve()` alone, which the introduction says of all. */
function takersText(option) {
  const names = { serve: '`serve()`', load: '`loadApplication()`' };
  const takers = Object.keys(names).filter((taker) => isTakenBy(option, taker));
  if (takers.length === 0) return 'Not in code.';
  return takers.join() === 'serve' ? '' : `In code: ${takers.map((taker) => names[taker]).join(', ')}.`;
}

/** Several lines of a cell. */
function lines(...texts) {
  return texts.filter((text) => text !== '').join('<br>');
}

function section(options) {
  const rows = options.map((option) => [
    lines(`\`${option.path}\``, flagText(option)),
    cell(lines(defaultText(option), rangeText(option))),
    lines(cell([sentence(option.help), option.reason ?? ''].join(' ').trim()), takersText(option)),
  ]);
  return table([['option and flag', 'default, range', 'what it does, and why the default is what it is'], ...rows]);
}

export function optionDocuments(options) {
  const parts = SECTIONS.map(([group, title, text]) => {
    const own = options.filter((option) => groupOf(option) === group);
    return [`## ${title}`, ...(text === '' ? [] : [text]), section(own)].join('\n\n');
  });
  return `${INTRODUCTION}\n${parts.join('\n\n')}\n`;
}

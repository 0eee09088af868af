// docs/errors.md: every error code, from its docstring in src/errors.ts, by consequence.
import { join } from 'node:path';
import { docText, readModule } from './docstrings.js';
import { table } from './markdown.js';

const INTRODUCTION = `# Errors

Generated from \`src/errors.ts\` by \`npm run generate\`.

Every error that this project throws is an \`EpollServerError\` with a \`code\`. Codes are stable. The texts of messages may
change in any release.

\`\`\`js
import { EpollServerError, serve } from 'epoll-server';

try {
  await serve({ port: 8080, static: './public' });
} catch (error) {
  if (error instanceof EpollServerError && error.code === 'ERR_LISTEN') console.error('choose another port');
  else throw error;
}
\`\`\`
`;

const CONSEQUENCES = {
  usage: ['Usage', 'An option or an argument is wrong. Nothing was started, and the command ends with exit code 2.'],
  startup: ['Start', 'The system refused what is needed to start. The command ends with exit code 1.'],
  request: ['Requests', 'One request fails. Others are not affected. These errors reach the handler, or `log.error`.'],
  connection: ['Connections', 'One connection ends. Others are not affected. `log.error` gets the error.'],
};

export function errorDocuments(root) {
  const { statements } = readModule(join(root, 'src', 'errors.ts'));
  const codes = statements.flatMap(({ declarationList }) => declarationList?.declarations ?? [])[0].type.members;
  const parts = Object.entries(CONSEQUENCES).map(([name, [title, text]]) => {
    const own = codes.filter(({ type }) => type.literal.text === name);
    const rows = own.map((code) => [`\`${code.name.text}\``, docText(code)]);
    return [`## ${title}`, text, table([['code', 'what it means'], ...rows])].join('\n\n');
  });
  return `${INTRODUCTION}\n${parts.join('\n\n')}\n`;
}

// Runs the command once for each message `{ args, cwd, env }` of its parent, and replies with its output and exit code. For
// commands that end before they start a server, because a start of Node.js for each takes far longer.

import { main } from '../../../build/modules/cli/program.js';
import { startReactor } from '../../../build/modules/workers/reactors.js';

class Exit extends Error {
  constructor(code) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

process.exit = (code) => {
  throw new Exit(code);
};
// Each command adds its listeners to the streams and signals of this process.
process.setMaxListeners(0);
for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);

const written = { stdout: '', stderr: '' };
for (const name of ['stdout', 'stderr']) {
  process[name].write = (text) => {
    written[name] += text;
    return true;
  };
}

const { env } = process;
const model = { name: 'epoll', workers: 'processes', watches: true, start: startReactor };

process.on('message', async (command) => {
  Object.assign(written, { stdout: '', stderr: '' });
  process.chdir(command.cwd);
  process.env = { ...env, ...command.env };
  process.exitCode = undefined;
  const exit = await main(command.args, model).then(
    () => process.exitCode ?? null,
    (error) => (error instanceof Exit ? error.code : String(error)),
  );
  process.send({ exit, ...written });
});

// Tests that a request keeps the addresses of its own connection, even after its client has disconnected and the number
// of its descriptor is in use again.

import { expect, test } from 'vitest';
import { connect, get } from '../support/client.ts';
import { until } from '../support/until.ts';
import { startModel, writeApplication } from './models.ts';

/** An address of this machine that differs from the one of the first client. */
const OTHER_ADDRESS = '127.0.0.2';

/** Enough clients that one of them gets the descriptor number that became free. */
const OTHER_CLIENTS = 8;

test.each(['iterative', 'coroutine', 'nonblocking', 'select', 'poll', 'epoll'])(
  '%s: an application can read the addresses of a client that has disconnected',
  async (model) => {
    const { file, open } = await writeApplication();
    const { program, port } = await startModel(model, file);
    const first = await connect(port);
    const { localPort } = first;
    first.send(get('/address'));
    await program.announced(/^(asked)$/m);
    first.reset();
    for (let i = 0; i < OTHER_CLIENTS; i++) {
      const other = await connect(port, '127.0.0.1', OTHER_ADDRESS);
      // A response proves that the server has closed the first connection and accepted this one.
      expect((await other.send(get('/other')).readResponse()).text).toBe('GET /other');
      if (model === 'iterative') break;
    }
    await open();
    await until(() => /^address .*$/m.test(program.stdout), 'the application has read the addresses');
    expect(program.stdout).toContain(`address 127.0.0.1 ${localPort} 127.0.0.1 ${port}\n`);
  },
);

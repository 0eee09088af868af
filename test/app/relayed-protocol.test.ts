// Tests that a client cannot fill the memory with messages for a pool thread by sending single bytes.

import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { INPUT_BATCH } from '../../src/app/offload/piece.ts';
import { RelayedProtocol } from '../../src/app/offload/relayed-protocol.ts';
import { serveProtocol } from '../support/channels.ts';
import { connect } from '../support/client.ts';
import { until } from '../support/until.ts';

test('the number of unacknowledged messages for a thread is bounded', async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port2.close());
  const made: RelayedProtocol[] = [];
  const { port } = serveProtocol((channel) => {
    const protocol = new RelayedProtocol(channel, port1);
    made.push(protocol);
    return protocol;
  });
  await connect(port);
  await until(() => made.length === 1, 'the connection is open');
  const [protocol] = made;
  const sendBytes = (): number => {
    let sent = 0;
    for (; protocol?.wantsInput === true; sent++) protocol.receive(Buffer.from('x'), 0, 1);
    return sent;
  };
  expect(sendBytes()).toBe(2 * INPUT_BATCH);
  port2.postMessage({ type: 'received' });
  await until(() => protocol?.wantsInput === true, 'the protocol wants more input');
  expect(sendBytes()).toBe(INPUT_BATCH);
});

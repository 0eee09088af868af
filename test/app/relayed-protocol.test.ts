// Tests that a client which sends byte by byte cannot fill the memory with messages for a thread that does not receive.

import { MessageChannel } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { INPUT_BATCH } from '../../src/app/offload/piece.ts';
import { RelayedProtocol } from '../../src/app/offload/relayed-protocol.ts';
import { serveProtocol } from '../support/channels.ts';
import { connect } from '../support/client.ts';
import { until } from '../support/until.ts';

test('messages for a thread are bounded in number, until it acknowledges some', async () => {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port2.close());
  const made: RelayedProtocol[] = [];
  const { port } = serveProtocol((channel) => {
    const protocol = new RelayedProtocol(channel, port1);
    made.push(protocol);
    return protocol;
  });
  await connect(port);
  await until(() => made.length === 1, 'the connection is there');
  const [protocol] = made;
  const sendBytes = (): number => {
    let sent = 0;
    for (; protocol?.wantsInput === true; sent++) protocol.receive(Buffer.from('x'), 0, 1);
    return sent;
  };
  expect(sendBytes()).toBe(2 * INPUT_BATCH);
  port2.postMessage({ type: 'received' });
  await until(() => protocol?.wantsInput === true, 'it wants more');
  expect(sendBytes()).toBe(INPUT_BATCH);
});

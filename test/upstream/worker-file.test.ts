// Tests that workers of this server may name a file as the content of a response, and that other programs may not.

import { writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Outgoing } from '../../src/connection/outgoing.ts';
import { createNativeKernel } from '../../src/kernel/native-kernel.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { serveOn } from '../../src/server/server.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { upstreamHandler } from '../../src/upstream/upstream-handler.ts';
import { filePlaceOf } from '../../src/upstream/worker-file.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startProgram } from '../support/program.ts';
import { sending } from '../support/uwsgi-upstream.ts';

const moduleUrl = (name: string): string => new URL(`../../build/modules/${name}`, import.meta.url).href;

/** Responds with what a program sends that names a file, and returns the response and the errors. */
async function answered(place: string, length: number, isTrusted: boolean) {
  const fields = `X-Epoll-Server-Sendfile: ${place}\r\nContent-Length: ${length}\r\n`;
  const upstream = await sending(`HTTP/1.1 200 OK\r\nX-Own: 1\r\n${fields}\r\n`);
  const outgoing = new Outgoing();
  const errors: unknown[] = [];
  const limits = resolveLimits();
  const context = {
    outgoing,
    limits,
    space: new SpoolSpace(limits.maxSpoolBytes),
    onError: (error: unknown) => void errors.push(error),
  };
  const path = upstream.place.replace('uwsgi:unix:', '');
  const handler = upstreamHandler({ name: 'worker', address: { path }, isTrusted }, context);
  const server = serveOn(createNativeKernel(), { port: 0, handler }, { outgoing });
  onTestFinished(() => server.close({ now: true }));
  const answer = await ask(server.port ?? 0, get('/'));
  return { answer, errors: errors.map(String) };
}

test('a worker names a part of a file, which is sent without the field', async () => {
  const root = await folder();
  const path = `${root}/a b;c.bin`;
  const bytes = Buffer.alloc(300_000, 'abcdefg');
  await writeFile(path, bytes);
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const { answer, errors } = await answered(`${encoded}; 1000; 250000`, 250_000, true);
  expect(errors).toEqual([]);
  expect([answer.status, answer.field('X-Own')]).toEqual([200, '1']);
  expect(answer.content.equals(bytes.subarray(1_000, 251_000))).toBe(true);
  expect(answer.field('X-Epoll-Server-Sendfile')).toBeUndefined();
});

test('a file that is missing is 502, and the log names it', async () => {
  const { answer, errors } = await answered('/none; 0; 5', 5, true);
  expect(answer.status).toBe(502);
  expect(errors).toEqual([expect.stringContaining('/none: open failed')]);
});

test('a program that another process manager runs cannot name a file', async () => {
  const path = `${await folder({ 'a.txt': 'hello' })}/a.txt`;
  const { answer, errors } = await answered(`${path}; 0; 5`, 5, false);
  expect(answer.status).toBe(502);
  expect(errors).toEqual([expect.stringContaining('5 bytes shorter')]);
});

test('a file opens when descriptors are free again, or are given back', async () => {
  const path = `${await folder({ 'a.txt': 'hello' })}/a.txt`;
  const script = `
    const { WorkerFiles } = await import(${JSON.stringify(moduleUrl('upstream/worker-file.js'))});
    const { offerDescriptors } = await import(${JSON.stringify(moduleUrl('kernel/spare-descriptors.js'))});
    const { closeSync, openSync } = await import('node:fs');
    const makeFiles = () => new WorkerFiles(() => 0);
    // This loads the addon.
    makeFiles();
    const sizeOf = () => files.open(${JSON.stringify(path)}).then((file) => file.facts.size, (error) => error.errnoName);
    const taken = [];
    const take = () => { try { for (;;) taken.push(openSync('/dev/null')); } catch {} };
    take();
    const files = makeFiles();
    const sizes = [await sizeOf()];
    for (const fd of taken.splice(0)) closeSync(fd);
    sizes.push(await sizeOf());
    take();
    offerDescriptors(() => { const fd = taken.pop(); if (fd !== undefined) closeSync(fd); return fd !== undefined; });
    sizes.push(await sizeOf());
    console.log('sizes ' + sizes);`;
  const program = startProgram('bash', [
    '-c',
    'ulimit -n 200; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ]);
  expect(await program.announced(/^sizes (.*)$/m)).toBe('EMFILE,5,5');
});

test('the value is an absolute path, an offset and a length', () => {
  expect(filePlaceOf('/a%20b; 1; 2')).toEqual({ path: '/a b', range: { start: 1, end: 2 } });
  expect(filePlaceOf('/a; 5; 0')).toEqual({ path: '/a', range: { start: 5, end: 4 } });
  for (const wrong of ['a; 0; 1', '/a', '/a; 0', '/a; -1; 1', '/a; 0; x', '/%; 0; 1', '/%ff; 0; 1', '/a;b; 0; 1'])
    expect(filePlaceOf(wrong), wrong).toBeNull();
});

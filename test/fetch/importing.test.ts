// Proves that importing the package costs no one Node's fetch classes who does not use them.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PROGRAM = fileURLToPath(new URL('programs/importing.mjs', import.meta.url));

test('Node’s fetch classes are loaded when one of ours is made, and stand behind ours from then on', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM]);
  expect(JSON.parse(stdout)).toEqual({
    afterImport: false,
    afterServing: false,
    status: '200',
    isGlobal: true,
    isOurs: true,
    isNodes: true,
    isKept: true,
  });
});

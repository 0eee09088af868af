// Tests that a run of allowed bytes ends at the first other byte, at each position in an iteration of four.

import { expect, test } from 'vitest';
import { TOKEN } from '../../src/http/characters.ts';
import { runEnd } from '../../src/http/run-end.ts';

test('a run ends at the first byte that is not allowed, or at the end', () => {
  for (let length = 0; length <= 12; length++) {
    const bytes = Buffer.from(`:${'a'.repeat(length)}aaaa`);
    expect(runEnd(bytes, 1, 1 + length, TOKEN), `${length} bytes`).toBe(1 + length);
    for (let at = 0; at < length; at++) {
      const cut = Buffer.from(bytes).fill(':', 1 + at);
      expect(runEnd(cut, 1, 1 + length, TOKEN), `${at} of ${length} bytes`).toBe(1 + at);
    }
  }
});

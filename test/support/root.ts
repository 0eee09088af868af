// One root of `Files`, with calls that try at once and then in the pool.

import { constants } from 'node:os';
import { expect, onTestFinished } from 'vitest';
import type { Files } from '../../src/kernel/files.ts';

const { EAGAIN } = constants.errno;

/** Calls of one root that first try without blocking, and then in the pool. */
export class Root {
  readonly files: Files;
  readonly fd: number;

  constructor(make: () => Files, path: string) {
    this.files = make();
    onTestFinished(() => this.files.destroy());
    this.fd = this.files.openRoot(path);
    expect(this.fd).toBeGreaterThanOrEqual(0);
  }

  later(call: (done: (result: number) => void) => number): Promise<number> {
    return new Promise((resolve) => {
      const status = call(resolve);
      if (status < 0) resolve(status);
    });
  }

  /** Opens a file in the pool, and checks that opening without blocking gives the same result or EAGAIN. */
  async open(path: string): Promise<number> {
    const later = await this.later((done) => this.files.openLater(this.fd, path, done));
    const now = this.files.open(this.fd, path);
    if (later < 0) expect([later, -EAGAIN], path).toContain(now);
    else if (now >= 0) expect(this.files.close(now)).toBe(0);
    const look = await this.later((done) => this.files.lookLater(this.fd, path, done));
    expect(look, 'look says what open says').toBe(Math.min(later, 0));
    return later;
  }

  async text(path: string): Promise<string> {
    const file = await this.open(path);
    if (file < 0) return `error ${-file}`;
    const bytes = Buffer.alloc(100);
    const count = await this.later((done) => this.files.readLater(file, bytes, 0, 100, 0, done));
    this.files.close(file);
    return bytes.toString('latin1', 0, count);
  }
}

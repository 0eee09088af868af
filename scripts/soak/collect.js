// Loaded into each server of the soak (--import): collects the heap from time to time and writes down what is left, so
// that garbage does not look like growth.
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const EVERY_MS = 10_000;
const { SOAK_HEAP: prefix } = process.env;

setInterval(() => {
  globalThis.gc();
  if (!isMainThread) return;
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${prefix}${process.pid}`, String(heapUsed + external));
}, EVERY_MS).unref();

// vitest here, the tests in the Node.js of another processor: vitest starts its workers by process.execPath.
import config from '../../vitest.config.ts';

const worker = process.env.WORKER_NODE;
if (worker === undefined) throw new Error('WORKER_NODE names the program that runs the tests');
process.execPath = worker;

export default { ...config, root: new URL('../..', import.meta.url).pathname, test: { ...config.test, maxWorkers: 1 } };

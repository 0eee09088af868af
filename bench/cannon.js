// The load when there is no wrk: autocannon in a process of its own. Prints one line of JSON.
// Arguments: url, seconds, connections, mode (empty: a fixed request, nothing checked).
import autocannon from 'autocannon';

const [url, seconds, connections, mode = ''] = process.argv.slice(2);
const path = new URL(url).pathname;
let last = 0;
let wrong = 0;
let checked = 0;

const varying = {
  setupRequest: (request, context) => {
    context.query = `n=${++last}`;
    return { ...request, path: `${path}?${context.query}` };
  },
  onResponse: (status, body, context) => {
    checked++;
    const length = Buffer.byteLength(body);
    const right =
      mode === 'echo' ? body === context.query : mode === 'same' ? body === 'n=123456' : length === Number(mode);
    if (status !== 200 || !right) wrong++;
  },
};
const options = { url, connections: Number(connections), duration: Number(seconds) };
const began = process.hrtime.bigint();
const result = await autocannon(mode === '' ? options : { ...options, requests: [varying] });
const took = Number(process.hrtime.bigint() - began) / 1e9;
const { p50, p99 } = result.latency;
const failed = result.errors + result.timeouts + result.non2xx;
process.stdout.write(
  `${JSON.stringify({ requests: result['2xx'], seconds: took, p50Us: p50 * 1000, p99Us: p99 * 1000, failed, checked, wrong })}\n`,
);

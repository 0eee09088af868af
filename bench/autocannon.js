// The load generator when wrk is not installed: autocannon in a process of its own. Prints one line of JSON.
//   node autocannon.js URL SECONDS CONNECTIONS MODE [FOLDER]
// MODE: empty for a run without checks; `json`: POST requests with the JSON text FOLDER. FOLDER: prepared requests of
// bench/requests.js; without it one request.
import autocannon from 'autocannon';
import { LOAD_CLIENTS, readRequests } from './requests.js';

const [url, seconds, connections, mode = '', folder] = process.argv.slice(2);
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
    const right = mode === 'echo' ? body === context.query : length === Number(mode);
    if (status !== 200 || !right) wrong++;
  },
};

/** Converts a recorded request for autocannon, which writes its own Connection field. */
function toRequest(text) {
  const [requestLine, ...lines] = text.split('\r\n');
  const fields = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
  const headers = Object.fromEntries(fields.filter(([name]) => name.toLowerCase() !== 'connection'));
  return { path: requestLine.split(' ')[1], headers };
}

let opened = 0;
const recorded = {
  setupClient: (client) => client.setRequests(readRequests(folder, opened++ % LOAD_CLIENTS).map(toRequest)),
};

const posted = { method: 'POST', headers: { 'content-type': 'application/json' }, body: folder };
const more = mode === 'json' ? posted : folder !== undefined ? recorded : mode === '' ? {} : { requests: [varying] };
const options = { url, connections: Number(connections), duration: Number(seconds) };
const began = process.hrtime.bigint();
const result = await autocannon({ ...options, ...more });
const took = Number(process.hrtime.bigint() - began) / 1e9;
const { p50, p99 } = result.latency;
const failed = result.errors + result.timeouts + result.non2xx;
process.stdout.write(
  `${JSON.stringify({ requests: result['2xx'], seconds: took, p50Us: p50 * 1000, p99Us: p99 * 1000, failed, checked, wrong })}\n`,
);

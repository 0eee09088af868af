// The raw handler of the soak.
import { setTimeout as sleep } from 'node:timers/promises';

export default async function handle({ path, body }, response) {
  if (path.endsWith('/throw')) throw new Error('on purpose');
  if (path.endsWith('/echo')) {
    response.send(200, {}, await body.bytes());
    return;
  }
  if (path.endsWith('/wait')) await sleep(15);
  response.send(200, {}, 'from raw');
}

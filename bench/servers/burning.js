// An application that takes 50 ms of processor time.

const BURN_US = 50_000;

export function fetch() {
  const start = process.cpuUsage().user;
  const end = performance.now() + BURN_US / 1000;
  while (performance.now() < end);
  return new Response(`${process.cpuUsage().user - start}\n`);
}

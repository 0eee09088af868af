// Whether a measure grows: what it was in the middle third of the time, and what it is in the last third. The first third
// is for warming up.

/** `samples`: pairs of seconds and a value. Null: there are too few. */
export function trendOf(samples) {
  const third = Math.floor(samples.length / 3);
  if (third < 3) return null;
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const [before, after] = [middle, last].map((part) => median(part.map(([, value]) => value)));
  return { before, after, growth: after - before, slopePerHour: 3_600 * slopeOf(samples.slice(third)) };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Of the line of least squares, per second. */
function slopeOf(samples) {
  const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const seconds = mean(samples.map(([at]) => at));
  const value = mean(samples.map(([, each]) => each));
  const above = samples.reduce((sum, [at, each]) => sum + (at - seconds) * (each - value), 0);
  const below = samples.reduce((sum, [at]) => sum + (at - seconds) ** 2, 0);
  return above / below;
}

// An application that computes for a fixed number of steps, which is the same time whatever else the machine does.

let state = 1;

/** One step is a multiplication that depends on the last one, so that no compiler can leave it out. */
export function compute(steps) {
  for (let i = 0; i < steps; i++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return state;
}

const STEPS = Number(process.env.COMPUTING_STEPS);

export function fetch() {
  return new Response(`${compute(STEPS)}\n`);
}

// `epoll-server/testing`: run an application on a simulated machine, against clients that are slow, half-closed or
// gone, with faults from a seed; and the runs with which this project tests itself.

export { Dials, FAULT_NAMES, FAULTS, type FaultLevel, type FaultName, type FaultSettings } from './dials.ts';
export type { SimulatedKernelOptions } from './machine-options.ts';
export { Random } from './random.ts';
export { BEHAVIOUR_NAMES, type BehaviourName } from './scenario/behaviours.ts';
export { everyFault, type PlannedRun } from './scenario/exhaust.ts';
export { CHECKERS, type CheckerName, CheckFailure } from './scenario/failure.ts';
export { TRANSITIONS, type Transitions } from './scenario/machine.ts';
export { play, type RunReport } from './scenario/play.ts';
export { drawRun, type Guest, type RunSettings, type Scale, smallRun } from './scenario/settings.ts';
export { shrink } from './scenario/shrink.ts';
export { type ReadRate, SimulatedClient } from './simulated-client.ts';
export { SimulatedKernel } from './simulated-kernel.ts';
export { type SimulatedServer, type SimulateOptions, simulate } from './simulated-server.ts';
export { SimulatedSocket } from './simulated-socket.ts';
export { VirtualClock } from './virtual-clock.ts';

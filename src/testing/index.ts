// The entry point `epoll-server/testing`: runs an application on a simulated machine, against slow, half-closed or
// disconnected clients, with faults from a seed. Also the runs with which this project tests itself.

export {
  FAULT_NAMES,
  FAULTS,
  type FaultLevel,
  type FaultName,
  type FaultSettings,
  FaultSource,
} from './fault-source.ts';
export type { SimulatedKernelOptions } from './machine-options.ts';
export { Random } from './random.ts';
export { BEHAVIOUR_NAMES, type BehaviourName } from './scenario/behaviours.ts';
export { type DrainReport, playDrain } from './scenario/drain.ts';
export { everyFault, type PlannedRun } from './scenario/exhaust.ts';
export { CHECKERS, type CheckerName, CheckFailure } from './scenario/failure.ts';
export { TRANSITIONS, type Transitions } from './scenario/machine.ts';
export { play, type RunReport } from './scenario/play.ts';
export { drawRun, type PlannedClient, type RunSettings, type Scale, smallRun } from './scenario/settings.ts';
export { shrink } from './scenario/shrink.ts';
export { type ReadRate, SimulatedClient } from './simulated-client.ts';
export { SimulatedKernel } from './simulated-kernel.ts';
export { type SimulatedServer, type SimulateOptions, simulate } from './simulated-server.ts';
export { SimulatedSocket } from './simulated-socket.ts';
export { VirtualClock } from './virtual-clock.ts';

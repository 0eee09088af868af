// Tests the contract of all models for the multiprocess model.

import { childrenContract } from './children.ts';
import { modelContract } from './model.contract.ts';

modelContract('multiprocess');
childrenContract('multiprocess');

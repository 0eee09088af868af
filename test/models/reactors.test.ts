// Tests the contract of all models for those with a reactor.

import { modelContract } from './model.contract.ts';

for (const model of ['coroutine', 'nonblocking', 'select', 'poll', 'epoll'] as const) modelContract(model);

export { faultProxy } from './fault-proxy.ts';
export type { FaultProxy } from './fault-proxy.ts';
export { freePort } from './free-port.ts';
export { startTestCluster } from './test-cluster.ts';

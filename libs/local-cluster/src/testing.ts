export { startBalancer } from './components/balancer.fixture.ts';
export type { Balancer } from './components/balancer.fixture.ts';
export { faultProxy } from './fault-proxy.ts';
export type { FaultProxy } from './fault-proxy.ts';
export { freePort } from './free-port.ts';
export { startTestCluster } from './test-cluster.ts';
export { startSpanReceiver } from './span-receiver.ts';
export type { ReceivedSpan, SpanReceiver } from './span-receiver.ts';

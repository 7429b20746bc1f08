import { startBalancer } from '@tenfold/local-cluster/testing';
import type { Balancer } from '@tenfold/local-cluster/testing';
import { Pool } from 'undici';
import type { Surroundings } from '../frame/bench.ts';

/** HAProxy before servers, with a setting of its own, and connections to it; both are closed with the bench. */
export async function behindBalancer({ onEnd }: Surroundings, environment: Record<string, string>, ports: readonly number[], connections: number): Promise<{ balancer: Balancer; pool: Pool }> {
  const balancer = await startBalancer({ root: process.cwd(), environment, ports });
  onEnd(() => balancer.stop());
  const pool = new Pool(`http://127.0.0.1:${balancer.port}`, { connections });
  onEnd(() => pool.destroy());
  return { balancer, pool };
}

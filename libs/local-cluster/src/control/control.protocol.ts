import type { ProcessStatus } from '../cluster.status.ts';
import type { ClusterState } from '../cluster.handle.ts';
import type { ClusterUrls } from '../cluster.urls.ts';

/** What a cluster says of itself. */
export interface ClusterStatus {
  /** Pid of its runner. */
  pid: number;
  directory: string;
  state: ClusterState;
  /** Known as soon as it is running. */
  urls?: ClusterUrls;
  processes: ProcessStatus[];
}

/** What a cluster can be asked to do. */
export type Command =
  | { do: 'scale'; service: string; replicas: number }
  | { do: 'kill' | 'pause' | 'resume' | 'restart'; name: string }
  | { do: 'stop' };

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Whatever uses CPU time. */
export interface CpuClock {
  /** Microseconds of CPU used so far, user and system, all threads. */
  cpuMicroseconds(): number | Promise<number>;
}

/** A process that a bench started. */
export interface Peer<Information = unknown> extends CpuClock {
  /** What it said when it was ready, e.g. its address. */
  readonly information: Information;
}

type PeerMessage = { kind: 'ready'; information: unknown } | { kind: 'cpu'; microseconds: number };

/** The bench's own process. */
export const ownCpu: CpuClock = {
  cpuMicroseconds() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
};

/**
 * The whole of a `<name>.peer.ts`: says that it is ready and what the bench must know, and ends when the bench does.
 *
 * @param start gets what the bench gave to `startPeer`
 */
export async function servePeer<Options, Information>(start: (options: Options) => Promise<Information>): Promise<void> {
  process.on('message', () => {
    process.send?.({ kind: 'cpu', microseconds: ownCpu.cpuMicroseconds() } satisfies { kind: 'cpu'; microseconds: unknown });
  });
  process.once('disconnect', () => process.exit(0));
  const information = await start(JSON.parse(process.argv[2] ?? 'null') as Options);
  process.send?.({ kind: 'ready', information } satisfies PeerMessage);
}

/**
 * Starts a bundle as a peer.
 *
 * @param prefix command that it is started by, such as one that pins it to a core
 * @throws Error when it ends before it is ready
 */
export async function startPeerProcess<Information>(bundle: string, options: unknown, prefix: readonly string[]): Promise<Peer<Information> & { end(): Promise<void> }> {
  const [command = process.execPath, ...before] = [...prefix, process.execPath];
  const child = fork(bundle, [JSON.stringify(options ?? null)], { execPath: command, execArgv: [...before, '--enable-source-maps'] });
  const exit = once(child, 'exit');
  const { information } = await answerOf(child, 'ready', bundle);
  return {
    information: information as Information,
    async cpuMicroseconds() {
      const answer = answerOf(child, 'cpu', bundle);
      child.send('cpu');
      return (await answer).microseconds;
    },
    async end() {
      child.disconnect();
      await exit;
    },
  };
}

function answerOf<Kind extends PeerMessage['kind']>(child: ChildProcess, kind: Kind, bundle: string): Promise<Extract<PeerMessage, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null) => reject(new Error(`The peer ${bundle} ended (${signal ?? `exit code ${code}`}).`));
    const listen = (message: PeerMessage) => {
      if (message.kind !== kind) return;
      child.off('message', listen).off('exit', ended);
      resolve(message as Extract<PeerMessage, { kind: Kind }>);
    };
    child.on('message', listen).once('exit', ended);
  });
}

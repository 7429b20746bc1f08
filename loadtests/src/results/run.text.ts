import { endpointRows, milliseconds, table, targetRows, verdictLine, whole, wrapped } from '../report/report-text.ts';
import { isOfEndpoint } from '../report/verdicts.ts';
import type { Verdict } from '../report/verdicts.ts';
import { coresOfOthers } from './run-result.ts';
import type { RunResult } from './run-result.ts';

/** Share of all cores from which what else runs on a machine is worth a word. */
const NOTABLE_SHARE = 0.1;

/** A run for a person: endpoint × target, what else was to be reached, and what it cost. */
export function runText(result: RunResult): string {
  const { machine, settings, generator, lag, processes } = result;
  const verdicts = result.verdicts.map((verdict) => ({ ...verdict, reached: verdict.reached ?? NaN })) as Verdict[];
  const used = processes.filter(({ cores }) => cores >= 0.005);
  const others = coresOfOthers(result) ?? 0;
  const memory = processes.filter(({ mebibytes }) => mebibytes > 0).toSorted((a, b) => b.mebibytes - a.mebibytes);
  return [
    `${result.test}: ${settings.rate} requests/s expected, ${machine.cores} cores with the generator (${machine.cpu}, Node ${machine.node}, ${machine.k6}), ${result.commit}`,
    '',
    ...table(endpointRows(result, verdicts)),
    ...(result.phases.length > 2 ? ['', ...table(phaseRows(result))] : []),
    ...(result.soak ? ['', ...table(soakRows(result.soak))] : []),
    '',
    ...table(targetRows(verdicts.filter((verdict) => !isOfEndpoint(verdict)))),
    '',
    `generator           ${generator.cores === 0 ? 'its CPU is not seen from here' : `${generator.cores.toFixed(2)} cores, ${generator.cpuMsPerRequest.toFixed(2)} ms of CPU per request`}; 95 of 100 requests at most ${milliseconds(generator.latenessP95Ms)} late`,
    `system              ${result.systemCpuMsPerRequest.toFixed(2)} ms of CPU per request${result.machineCores === undefined ? '' : `; all of the machine ${result.machineCores.toFixed(2)} of ${machine.cores} cores`}`,
    ...(others > NOTABLE_SHARE * machine.cores ? [`others              ${others.toFixed(2)} cores went to what is no part of this: figures of a machine that does nothing else are better`] : []),
    `jobs                ${whole(result.jobsDone)} done; behind at the end: ${whole(lag.messages)} messages, outbox ${lag.outboxSeconds.toFixed(1)} s; all done ${lag.drainedSeconds.toFixed(1)} s later`,
    ...wrapped('cores', used.map(({ name, cores }) => `${name} ${cores.toFixed(2)}`)),
    ...wrapped('memory (MiB)', memory.map(({ name, mebibytes }) => `${name} ${whole(mebibytes)}`)),
    ...result.errors.map(({ endpoint, status, detail }) => `error               ${endpoint}: ${status || 'no answer'} ${detail}`),
    ...kneeLines(result),
    '',
    result.void === undefined ? verdictLine({ verdicts, met: result.met }) : `VOID: ${result.void}. What this run measured is the generator.`,
  ].join('\n');
}

function phaseRows({ phases }: RunResult): string[][] {
  return [
    ['phase', 'due', 'answered', 'errors', 'p50', 'p95', 'p99', 'max'],
    ...phases
      .filter(({ requests }) => requests > 0)
      .map(({ endpoint, planned, requests, errors, p50, p95, p99, max }) => [endpoint, whole(planned), whole(requests), whole(errors), ...[p50, p95, p99, max].map(milliseconds)]),
  ];
}

function soakRows(soak: NonNullable<RunResult['soak']>): string[][] {
  const counts = Object.keys(soak[0]?.first ?? {});
  return [
    ['replica', 'heap MiB/min', '95 % interval', ...counts],
    ...soak.map(({ replica, heap, first, last }) => [
      replica,
      heap.slope.toFixed(2),
      `${heap.low.toFixed(2)} … ${heap.high.toFixed(2)}`,
      ...counts.map((count) => `${Math.round(first[count] ?? 0)} → ${Math.round(last[count] ?? 0)}`),
    ]),
  ];
}

function kneeLines({ knee, recoverySeconds }: RunResult): string[] {
  return [
    ...(knee
      ? [
          `knee                ${knee.knee ?? 'below the first step'}: the last step that met its targets`,
          `breaking point      ${knee.breakingPoint ?? 'not reached'}: the first step that lost a tenth of its requests`,
          `what ran out        ${knee.resource}`,
        ]
      : []),
    ...(recoverySeconds === undefined ? [] : [`recovery            ${recoverySeconds} s after the spike all is as before`]),
  ];
}

import * as contracts from '@tenfold/contracts';
import { CallError } from '@tenfold/rpc';
import { expect, it } from 'vitest';
import { problemOfError } from './problem-of-error.ts';

/** Of calls that the gateway does not make on behalf of a client, or whose refusal it answers itself. */
const internal = new Set(['reserved-differently']);

const services = Object.values(contracts as Record<string, unknown>).filter(
  (value): value is { name: string; calls: Record<string, { errors?: readonly string[] }> } => typeof value === 'object' && value !== null && 'calls' in value,
);
const codes = [...new Set(services.flatMap(({ calls }) => Object.values(calls).flatMap(({ errors = [] }) => errors)))].filter((code) => !internal.has(code)).sort();

it.each(codes)('what a service refuses as %s is no failure of ours', (code) => {
  const error = new CallError(code as never, 'in words for the client');

  expect(problemOfError(error).status).toBeLessThan(500);
});

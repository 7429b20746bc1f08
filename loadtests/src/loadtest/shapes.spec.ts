import { describe, expect, it } from 'vitest';
import { plannedIn, secondsOf } from '../k6/schedule.ts';
import { Mix } from '../mix/mix.ts';
import { readTargets } from '../report/targets.ts';
import { readLoadtestCommand } from './loadtest.options.ts';
import { shapeNames, shapeOf } from './shapes.ts';

const wish = { rate: 1000, seconds: 20 };

describe('shapes', () => {
  it.each(shapeNames)('%s has the phase that is judged, at its rate, and users for it', (name) => {
    const { phases, judged, rate, users } = shapeOf(name, wish);
    const part = phases.filter((phase) => phase.name === judged);
    expect(part).toHaveLength(1);
    expect(part.reduce((sum, phase) => sum + plannedIn(phase), 0) / secondsOf(part)).toBeCloseTo(rate, 6);
    expect(users).toBeGreaterThanOrEqual(rate / 2);
  });

  it('let the load test ask for what is expected', () => {
    expect(shapeOf('load', wish)).toMatchObject({ rate: 1000, mayDrop: false, users: 500 });
  });

  it('take stress up to three times of it', () => {
    expect(Math.max(...shapeOf('stress', wish).phases.map(({ to }) => to))).toBe(3000);
  });

  it('make the spike ten times its base within five seconds', () => {
    const rise = shapeOf('spike', wish).phases.find(({ name }) => name === 'rise');
    expect(rise).toMatchObject({ from: 200, to: 2000, seconds: 5 });
  });

  it('refuse what would do nothing', () => {
    expect(() => shapeOf('load', { ...wish, rate: 0 })).toThrow(RangeError);
  });
});

describe('the targets', () => {
  it('name every endpoint of the mix, and no other', () => {
    const mix = new Mix({ scale: 0.02, cookies: ['session=a'], run: 'test-run', seed: 7 });
    const endpoints = new Set<string>();
    for (let count = 0; count < 20_000; count++) {
      const { endpoint, learn } = mix.next(count);
      endpoints.add(endpoint);
      learn?.({ status: 200, etag: undefined, body: '{"next":null,"id":"r1","state":"done"}' });
    }
    expect([...endpoints].sort()).toEqual(Object.keys(readTargets().endpoints).sort());
  });
});

describe('the command line', () => {
  it('has defaults', () => {
    expect(readLoadtestCommand(['load'])).toMatchObject({ command: 'load', options: { customers: 60, scale: 1, keep: false } });
    expect(readLoadtestCommand([]).command).toBe('help');
  });

  it.each([
    [['lode'], /no test "lode"; there are smoke/],
    [['load', '--rate', 'much'], /--rate/],
    [['load', 'twice'], /takes no "twice"/],
    [['compare', 'a'], /two labels/],
    [['load', '--label', 'a b'], /--label: letters/],
  ])('refuses %j', (args, message) => {
    expect(() => readLoadtestCommand(args)).toThrow(message);
  });
});

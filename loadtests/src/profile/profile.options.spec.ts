import { describe, expect, it } from 'vitest';
import { readProfileOptions } from './profile.options.ts';

describe('the command line of a profile', () => {
  it('asks for 20 s of CPU by default', () => {
    expect(readProfileOptions(['catalog'])).toMatchObject({ name: 'catalog', kind: 'cpu', seconds: 20 });
  });

  it('takes a kind, a length and a replica elsewhere', () => {
    const options = readProfileOptions(['gateway-2', '--io', '--seconds', '5', '--url', 'http://127.0.0.1:9000']);
    expect(options).toMatchObject({ name: 'gateway-2', kind: 'io', seconds: 5, url: 'http://127.0.0.1:9000' });
  });

  it.each(['/var/profiles/catalog-1-2026-11-24T18-43-06-558Z.cpuprofile', 'catalog-1-cpu-2026-11-24T184306.cpuprofile'])('knows who took %s', (file) => {
    expect(readProfileOptions(['--file', file])).toMatchObject({ name: 'catalog-1', file });
  });

  it.each([
    [[], 'which service'],
    [['--file', 'mine.cpuprofile'], 'which service'],
    [['catalog', '--file', 'a', '--url', 'http://127.0.0.1:9000'], 'Either'],
    [['catalog', '--cpu', '--heap'], 'One kind at a time'],
    [['catalog', 'orders'], 'One name'],
    [['catalog', '--seconds', 'x'], '--seconds: a number'],
    [['catalog', '--seconds', '900'], 'at most 300'],
    [['catalog', '--url', 'here'], '--url'],
    [['../catalog'], 'a name such as'],
    [['catalog', '--disk'], 'disk'],
  ])('refuses %j and says what is wrong', (args, message) => {
    expect(() => readProfileOptions(args)).toThrow(message);
  });
});

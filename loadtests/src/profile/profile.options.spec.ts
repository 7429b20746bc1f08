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

  it.each([
    [[], 'which service'],
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

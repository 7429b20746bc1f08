import { describe, expect, it } from 'vitest';
import { spellingsOf } from '../../names.ts';
import { renamed, renamedPath } from './renaming.ts';

const acme = { name: spellingsOf('acme-shop'), scope: '@acme' };

describe('a workspace of another name', () => {
  it('calls packages by its scope, and addresses of mail by its name', () => {
    expect(renamed('a.ts', "import { a } from '@tenfold/cache';\nconst b = 'admin@tenfold.test';\n", acme)).toBe("import { a } from '@acme/cache';\nconst b = 'admin@acme-shop.test';\n");
  });

  it('spells names in code as code needs it, and strings as they are meant', () => {
    const code = "const { tenfold } = read('.tenfold/a', `tenfold-${tenfold.calls}`);\nconst sides = { Tenfold: side('Tenfold') };\n/** By Tenfold. */\nprocess.env['TENFOLD_PORT_BASE'];\n";
    expect(renamed('a.ts', code, acme)).toBe(
      "const { acmeShop } = read('.acme-shop/a', `acme-shop-${acmeShop.calls}`);\nconst sides = { AcmeShop: side('AcmeShop') };\n/** By Acme Shop. */\nprocess.env['ACME_SHOP_PORT_BASE'];\n",
    );
  });

  it('reads by one name what it writes by another', () => {
    expect(renamed('apps/a/package.json', '{"name":"@tenfold/a","tenfold":{}}', acme)).toBe('{\n  "name": "@acme/a",\n  "acmeShop": {}\n}\n');
    expect(renamed('README.md', 'the `tenfold` field', acme)).toBe('the `acmeShop` field');
  });

  it('keeps dependencies in the order that npm writes', () => {
    const text = JSON.stringify({ dependencies: { '@nestjs/common': '1', '@tenfold/rpc': '*' } });
    expect(Object.keys((JSON.parse(renamed('apps/a/package.json', text, acme)) as { dependencies: object }).dependencies)).toEqual(['@acme/rpc', '@nestjs/common']);
  });

  it('leaves alone what is not called after the template', () => {
    expect(renamed('a.ts', 'const  a=1', acme)).toBe('const  a=1');
    expect(renamedPath('infra/tenfold.yml', acme)).toBe('infra/acme-shop.yml');
  });
});

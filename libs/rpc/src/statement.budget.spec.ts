import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { inStatementBudget, spendStatements } from '@tenfold/telemetry';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { closeAll, startClient, startReplica } from './calls.fixture.ts';
import { Answers } from './index.ts';

afterEach(closeAll);

const readings = z.strictObject({ statements: z.int() });
const statementCalls = defineCalls('statements', {
  read: { request: readings, response: z.strictObject({}), errors: [], idempotent: true, statements: 2 },
});

@Controller()
class ReadHandler {
  @Answers(statementCalls.calls.read)
  async read({ statements }: z.output<typeof readings>): Promise<Record<string, never>> {
    for (let count = 0; count < statements; count += 1) spendStatements(1, 'select');
    return {};
  }
}

async function start() {
  const { address } = await startReplica('a', { contract: statementCalls, handlers: [ReadHandler] });
  return startClient(address, { contract: statementCalls });
}

test('a call may run the statements that its contract declares, and no more', async () => {
  const client = await start();
  await client.read({ statements: 2 });
  await expect(client.read({ statements: 3 })).rejects.toMatchObject({ code: 'internal' });
});

test('who makes a call pays what it declares, so a loop of calls goes over', async () => {
  const client = await start();
  const ask = (calls: number) =>
    inStatementBudget('GET /readings', 4, async () => {
      for (let call = 0; call < calls; call += 1) await client.read({ statements: 0 });
    });
  await ask(2);
  await expect(ask(3)).rejects.toThrow(/^GET \/readings may run 4 statements and runs 6\.[^]*3\. statements\.read \(2\)$/);
});

import { allMessages } from '@tenfold/contracts';
import { addByHand, DeadLetters } from '@tenfold/jobs/dead-letters';
import type { DeadLetter } from '@tenfold/jobs/dead-letters';
import { clusterDirectory, readStatus } from '@tenfold/local-cluster';

const usage = `npm run jobs -- list [--all]         dead letters that wait for somebody; with --all, what became of the others
npm run jobs -- show ID             one of them, with cause, stack, headers and payload
npm run jobs -- replay ID… | --all  sends them again, with the ids they have: the effect happens once
npm run jobs -- discard ID… | --all takes them off the list
npm run jobs -- add TOPIC [PAYLOAD] a job by hand, its payload as JSON (default {}), e.g. add worker.rebuild-sales

Kafka is asked at KAFKA_BROKERS (host:port, comma list), else the local cluster's.`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function findBrokers(): Promise<string[]> {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return given.split(',');
  const status = await readStatus(clusterDirectory());
  if (!status?.urls) throw new Error('No cluster runs here. Start one with `npm run cluster -- up`, or name brokers by KAFKA_BROKERS.');
  return [status.urls.kafka];
}

function lineOf({ id, state, topic, key, attempts, failedAt, cause }: DeadLetter): string {
  return [id, state.padEnd(9), failedAt, topic, `key ${key}`, `${attempts} attempts`, cause].join('  ');
}

async function add(topic: string, payload: string): Promise<void> {
  const job = allMessages.find((message) => message.topic === topic);
  if (!job) throw new Error(`There is no job ${topic}. There are:\n${allMessages.map((message) => message.topic).join('\n')}`);
  say(`${await addByHand(await findBrokers(), job, JSON.parse(payload))} added to ${topic}`);
}

async function run(command: string | undefined, values: readonly string[]): Promise<void> {
  const commands = ['list', 'show', 'replay', 'discard', 'add'];
  if (!command || !commands.includes(command) || (command !== 'list' && values.length === 0)) {
    say(usage);
    process.exitCode = command === undefined || command === '--help' ? 0 : 2;
    return;
  }
  if (command === 'add') return add(values[0] ?? '', values[1] ?? '{}');
  const letters = new DeadLetters({ brokers: await findBrokers(), topics: allMessages.map(({ topic }) => topic) });
  try {
    const all = values.includes('--all');
    if (command === 'list') {
      const found = await letters.list(all ? 'all' : 'dead');
      for (const letter of found) say(lineOf(letter));
      say(`${found.length} dead letters`);
    } else if (command === 'show') {
      say(JSON.stringify(await letters.find(values[0] ?? ''), undefined, 2));
    } else {
      const ids = all ? (await letters.list()).map(({ id }) => id) : values;
      const done = command === 'replay' ? await letters.replay(ids) : await letters.discard(ids);
      for (const letter of done) say(lineOf(letter));
      say(`${done.length} ${command === 'replay' ? 'replayed' : 'discarded'}`);
    }
  } finally {
    await letters.close();
  }
}

const [command, ...values] = process.argv.slice(2);
try {
  await run(command, values);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

import { fileURLToPath } from 'node:url';
import { allMessages } from '@tenfold/contracts';
import { addByHand, DeadLetters } from '@tenfold/jobs/dead-letters';
import type { DeadLetter } from '@tenfold/jobs/dead-letters';
import { findJobState } from '@tenfold/jobs/states';
import type { JobState } from '@tenfold/jobs/states';
import { clusterDirectory, readDeclarations, readStatus } from '@tenfold/local-cluster';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { Client } from 'pg';

const usage = `npm run jobs -- list [--all]         dead letters that wait for somebody; with --all, what became of the others
npm run jobs -- show ID             one of them, with cause, stack, headers and payload
npm run jobs -- replay ID… | --all  sends them again, with the ids they have: the effect happens once
npm run jobs -- discard ID… | --all takes them off the list
npm run jobs -- state ID            where a tracked job is: state, attempt, how much of it is done, result or error
npm run jobs -- add TOPIC [PAYLOAD] a job by hand, its payload as JSON (default {}), e.g. add worker.rebuild-sales

Kafka is asked at KAFKA_BROKERS (host:port, comma list), states at DATABASE_PRIMARY_URL, else those of the local cluster.`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function clusterUrls(setting: string): Promise<ClusterUrls> {
  const status = await readStatus(clusterDirectory());
  if (!status?.urls) throw new Error(`No cluster runs here. Start one with \`npm run cluster -- up\`, or set ${setting}.`);
  return status.urls;
}

async function findBrokers(): Promise<string[]> {
  const given = process.env['KAFKA_BROKERS'];
  return given ? given.split(',') : [(await clusterUrls('KAFKA_BROKERS')).kafka];
}

/** Databases that may know tracked jobs. */
async function findDatabases(): Promise<string[]> {
  const given = process.env['DATABASE_PRIMARY_URL'];
  if (given) return [given];
  const { primary } = (await clusterUrls('DATABASE_PRIMARY_URL')).postgres;
  const services = readDeclarations(fileURLToPath(new URL('../apps', import.meta.url)));
  return services.filter(({ database }) => database).map(({ name }) => `${primary}/${name}`);
}

/** @throws Error when no database knows the job */
async function stateOf(id: string): Promise<JobState> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw new Error(`${id} is no id of a job: a UUID is`);
  for (const connectionString of await findDatabases()) {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      const { rows } = await client.query<{ keeps: boolean }>(`SELECT to_regclass('job_states') IS NOT NULL AS keeps`);
      const state = rows[0]?.keeps && (await findJobState(async (sql, parameters) => (await client.query<JobState>(sql, parameters)).rows, id));
      if (state) return state;
    } finally {
      await client.end();
    }
  }
  throw new Error(`no tracked job ${id}: it was never added, or is forgotten`);
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
  const commands = ['list', 'show', 'replay', 'discard', 'state', 'add'];
  if (!command || !commands.includes(command) || (command !== 'list' && values.length === 0)) {
    say(usage);
    process.exitCode = command === undefined || command === '--help' ? 0 : 2;
    return;
  }
  if (command === 'state') {
    say(JSON.stringify(await stateOf(values[0] ?? ''), undefined, 2));
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

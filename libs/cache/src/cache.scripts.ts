import type { Redis } from 'ioredis';

/*
 * A lease is the leave to load a key and to put it into Redis; who does not have it waits (R. Nishtala et al., Scaling
 * Memcache at Facebook, NSDI 2013, section 3.2.1). It falls when the key is forgotten, so no load that began before puts
 * its value back, however long it takes.
 */

/**
 * KEYS: entries, then their leases. ARGV: token, milliseconds of a lease, for how long entries are kept beyond their time,
 * with how many milliseconds left one is to be loaded. Returns for each key its entry, the milliseconds it is good for, and
 * whether the lease was given with it: for what is to be loaded or missing, unless another has it.
 */
const readEntries = `
local answer = {}
local count = #KEYS / 2
for i = 1, count do
  local entry = redis.pcall('GET', KEYS[i])
  if type(entry) == 'table' then entry = '' end
  local left, leased = 0, 0
  if entry then left = redis.call('PTTL', KEYS[i]) - tonumber(ARGV[3]) end
  if entry ~= 't' and entry ~= '' and left <= tonumber(ARGV[4]) and redis.call('SET', KEYS[count + i], ARGV[1], 'PX', ARGV[2], 'NX') then
    leased = 1
  end
  answer[#answer + 1] = entry
  answer[#answer + 1] = left
  answer[#answer + 1] = leased
end
return answer
`;

/** KEYS: entry, lease. ARGV: token, entry, time to live. Only with the lease, which ends. */
const fillEntry = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`;

/** KEYS: leases. ARGV: token. */
const releaseLeases = `
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
end
`;

/** KEYS: entries, then their leases. ARGV: tombstone, its milliseconds. */
const buryEntries = `
local count = #KEYS / 2
for i = 1, count do
  redis.call('DEL', KEYS[count + i])
  redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
end
`;

/**
 * KEYS: entry, lease. ARGV: entry, time to live, revision. Unless a later one stands there. Whoever is loading has an
 * older value: the lease falls. A revision stands in bytes 10 to 17 of an entry.
 */
const putEntry = `
redis.call('DEL', KEYS[2])
local standing = redis.pcall('GET', KEYS[1])
if type(standing) == 'string' and #standing >= 17 then
  local _, revision = pcall(struct.unpack, '>d', string.sub(standing, 10, 17))
  if type(revision) == 'number' and revision > tonumber(ARGV[3]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

export const cacheScripts = {
  readEntries: { lua: readEntries },
  fillEntry: { lua: fillEntry, numberOfKeys: 2 },
  putEntry: { lua: putEntry, numberOfKeys: 2 },
  releaseLeases: { lua: releaseLeases },
  buryEntries: { lua: buryEntries },
};

type Argument = string | number | Buffer;

/** ioredis with {@link cacheScripts}; `Buffer` in a name keeps the reply's bytes as they are. */
export interface CacheCommands extends Redis {
  readEntriesBuffer(numberOfKeys: number, ...keysAndArguments: Argument[]): Promise<(Buffer | number | null)[]>;
  fillEntry(entryKey: string, leaseKey: string, token: string, entry: Buffer, ttlMs: number): Promise<0 | 1>;
  putEntry(entryKey: string, leaseKey: string, entry: Buffer, ttlMs: number, revision: number): Promise<0 | 1>;
  releaseLeases(numberOfKeys: number, ...keysAndToken: string[]): Promise<null>;
  buryEntries(numberOfKeys: number, ...keysAndArguments: Argument[]): Promise<null>;
}

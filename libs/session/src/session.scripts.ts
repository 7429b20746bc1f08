import type { Cluster, Redis } from 'ioredis';
import { recordFormat } from './session.record.ts';

/*
 * A session is one value, the MessagePack array that `session.record.ts` describes, and is read by one native command.
 * Whatever changes it is a script, which Redis runs alone: it reads the value, changes what it is about and writes it back,
 * so concurrent changes of one session lose nothing. None but `beginSession` writes where nothing stands, so no late write
 * revives a session that has ended. Time is Redis' own, in milliseconds: the clocks of the replicas do not matter.
 *
 * An account's index is a sorted set of its sessions; beside it stands when all of them were last ended. All keys of a
 * script share a hash tag, so that Redis Cluster keeps them on one node.
 */

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** `read(key)`: the session, or nil for none and for garbage; `keep(key, session)` leaves its end as it is. */
const record = `
local createdAt, lastUsedAt, account, cart, positions = 5, 6, 7, 8, 9
local function read(key)
  local value = redis.pcall('GET', key)
  if type(value) ~= 'string' then return nil end
  local readable, session = pcall(cmsgpack.unpack, value)
  if not readable or type(session) ~= 'table' or session[1] ~= ${recordFormat} then return nil end
  if type(session[createdAt]) ~= 'number' or type(session[account]) ~= 'table' then return nil end
  if type(session[cart]) ~= 'table' or type(session[positions]) ~= 'table' then return nil end
  return session
end
local function keep(key, session)
  redis.call('SET', key, cmsgpack.pack(session), 'KEEPTTL')
end
local function find(pairs, name)
  for i = 1, #pairs, 2 do
    if pairs[i] == name then return i end
  end
end
local function remove(pairs, i)
  table.remove(pairs, i + 1)
  table.remove(pairs, i)
end
`;

/**
 * KEYS: session. ARGV: absolute. For one whose idle time reaches past its absolute limit: it ends at that, and keeps in
 * itself when it was last used, which its end no longer tells.
 */
const limitSession = `
${record}
local session = read(KEYS[1])
if not session then return end
${now}
session[lastUsedAt] = now
redis.call('SET', KEYS[1], cmsgpack.pack(session), 'PXAT', string.format('%.0f', session[createdAt] + tonumber(ARGV[1])))
`;

/** KEYS: session. Returns the key, so that it cannot be the reply to another question, and what stands there: 0 for nothing, 1 for no text. */
const lookAgain = `
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'table' then value = 1 end
return { KEYS[1], value or 0 }
`;

/**
 * KEYS: new session, and the one it replaces, if any. ARGV: limit, hash, handle, device, and of an account id, email,
 * name, role. What the old session gathered moves along, unless it belonged to another account. Returns the key and the
 * value.
 */
const beginSession = `
${record}
local identity, things, reached = {}, {}, {}
for i = 5, #ARGV do identity[i - 4] = ARGV[i] end
if KEYS[2] then
  local old = read(KEYS[2])
  if old and (not old[account][1] or old[account][1] == identity[1]) then
    things, reached = old[cart], old[positions]
  end
  redis.call('UNLINK', KEYS[2])
end
${now}
local value = cmsgpack.pack({ ${recordFormat}, ARGV[2], ARGV[3], ARGV[4], now, now, identity, things, reached })
redis.call('SET', KEYS[1], value, 'PX', ARGV[1])
return { KEYS[1], value }
`;

/** KEYS: session. ARGV: product id, quantity, most different products. Returns `ok`, `ended` or `full`. */
const setCartItem = `
${record}
local session = read(KEYS[1])
if not session then return 'ended' end
local items, product = session[cart], tonumber(ARGV[1])
local i = find(items, product)
if not i and #items >= 2 * tonumber(ARGV[3]) then return 'full' end
i = i or #items + 1
items[i], items[i + 1] = product, tonumber(ARGV[2])
keep(KEYS[1], session)
return 'ok'
`;

/**
 * KEYS: session. ARGV: nothing for all items, else pairs of product id and the quantity it must still have, or 0 for any.
 * Returns 0 if ended.
 */
const clearCart = `
${record}
local session = read(KEYS[1])
if not session then return 0 end
local items = session[cart]
local before = #items
if #ARGV == 0 then
  session[cart] = {}
end
for n = 1, #ARGV, 2 do
  local i, quantity = find(items, tonumber(ARGV[n])), tonumber(ARGV[n + 1])
  if i and (quantity == 0 or items[i + 1] == quantity) then remove(items, i) end
end
if #session[cart] < before then keep(KEYS[1], session) end
return 1
`;

/** KEYS: session. ARGV: pairs of database and LSN; an LSN is two hexadecimal halves of 32 bits. Returns 0 if ended. */
const savePositions = `
${record}
local session = read(KEYS[1])
if not session then return 0 end
local function halves(lsn)
  local high, low = string.match(lsn, '^(%x+)/(%x+)$')
  return tonumber(high or '0', 16), tonumber(low or '0', 16)
end
local reached, raised = session[positions], false
for n = 1, #ARGV, 2 do
  local i = find(reached, ARGV[n]) or #reached + 1
  local high, low = halves(ARGV[n + 1])
  local knownHigh, knownLow = halves(reached[i + 1] or '')
  if high > knownHigh or (high == knownHigh and low > knownLow) then
    reached[i], reached[i + 1] = ARGV[n], ARGV[n + 1]
    raised = true
  end
end
if raised then keep(KEYS[1], session) end
return 1
`;

/** KEYS: any, of the node that is asked. Returns the time as text. */
const readClock = `
${now}
return string.format('%.0f', now)
`;

/**
 * KEYS: index of an account, its end of all. ARGV: member, absolute, when identity was proved or ''. Drops what the
 * absolute limit has ended. Returns 0, and adds nothing, if all was ended since the proof.
 */
const addToIndex = `
local ended = tonumber(redis.call('GET', KEYS[2]) or '0')
if ARGV[3] ~= '' and tonumber(ARGV[3]) <= ended then return 0 end
${now}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** KEYS: index of an account, its end of all. ARGV: milliseconds to remember the end. Returns the members. */
const endAll = `
${now}
redis.call('SET', KEYS[2], string.format('%.0f', now), 'PX', ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
`;

export const sessionScripts = {
  limitSession: { lua: limitSession, numberOfKeys: 1 },
  lookAgain: { lua: lookAgain, numberOfKeys: 1 },
  beginSession: { lua: beginSession },
  setCartItem: { lua: setCartItem, numberOfKeys: 1 },
  clearCart: { lua: clearCart, numberOfKeys: 1 },
  savePositions: { lua: savePositions, numberOfKeys: 1 },
  readClock: { lua: readClock, numberOfKeys: 1 },
  addToIndex: { lua: addToIndex, numberOfKeys: 2 },
  endAll: { lua: endAll, numberOfKeys: 2 },
};

type Argument = string | number | Buffer;

/** ioredis, to one server or to a cluster. */
export type SessionConnection = Redis | Cluster;

/** {@link SessionConnection} with {@link sessionScripts}; `Buffer` in a name keeps the reply's bytes as they are. */
export type SessionRedis = SessionConnection & SessionCommands;

interface SessionCommands {
  limitSession(key: string, absoluteMs: number): Promise<null>;
  lookAgainBuffer(key: string): Promise<[key: Buffer, value: Buffer | number]>;
  beginSessionBuffer(numberOfKeys: number, ...keysAndArguments: Argument[]): Promise<[key: Buffer, value: Buffer]>;
  setCartItem(key: string, productId: number, quantity: number, limit: number): Promise<'ok' | 'ended' | 'full'>;
  clearCart(key: string, ...ordered: number[]): Promise<0 | 1>;
  savePositions(key: string, ...positions: string[]): Promise<0 | 1>;
  readClock(anyKey: string): Promise<string>;
  addToIndex(key: string, endedKey: string, member: string, absoluteMs: number, provedAt: number | ''): Promise<0 | 1>;
  endAll(key: string, endedKey: string, rememberMs: number): Promise<string[]>;
}

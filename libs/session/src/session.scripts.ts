import type { Cluster, Redis } from 'ioredis';

/*
 * A session is one hash: handle, device, createdAt, lastUsedAt, accountId, account (MessagePack), `cart:<productId>`,
 * `position:<database>`. One field per thing that changes, so that concurrent changes of one session lose nothing.
 * Only a hash with `createdAt` is a session; no script but `beginSession` writes that field, so no late write revives
 * a session that has ended. Time is Redis' own, in milliseconds: the clocks of the replicas do not matter.
 *
 * An account's index is a sorted set of its sessions; beside it stands when all of them were last ended. All keys of a
 * script share a hash tag, so that Redis Cluster keeps them on one node.
 */

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: session. ARGV: idle, absolute. Returns the key and the hash; instead of it 0 for no session, 1 for garbage. */
const loadSession = `
local createdAt = tonumber(redis.call('HGET', KEYS[1], 'createdAt'))
if not createdAt then return { KEYS[1], redis.call('EXISTS', KEYS[1]) } end
${now}
local left = math.floor(math.min(tonumber(ARGV[1]), createdAt + tonumber(ARGV[2]) - now))
if not (left > 0) then
  redis.call('UNLINK', KEYS[1])
  return { KEYS[1], 0 }
end
redis.call('HSET', KEYS[1], 'lastUsedAt', now)
redis.call('PEXPIRE', KEYS[1], left)
return { KEYS[1], redis.call('HGETALL', KEYS[1]) }
`;

/**
 * KEYS: new session, and the one it replaces, if any. ARGV: limit, handle, device, account id or '', account.
 * What the old session gathered moves along, unless it belonged to another account. Returns the key
 * and the hash.
 */
const beginSession = `
if KEYS[2] then
  local owner = redis.pcall('HGET', KEYS[2], 'accountId')
  if type(owner) == 'table' or (owner and owner ~= ARGV[4]) then
    redis.call('UNLINK', KEYS[2])
  elseif redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('RENAME', KEYS[2], KEYS[1])
  end
end
${now}
redis.call('HSET', KEYS[1], 'handle', ARGV[2], 'device', ARGV[3], 'createdAt', now, 'lastUsedAt', now)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'accountId', ARGV[4], 'account', ARGV[5]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return { KEYS[1], redis.call('HGETALL', KEYS[1]) }
`;

/** KEYS: session. ARGV: product id, quantity, most different products. Returns `ok`, `ended` or `full`. */
const setCartItem = `
if redis.call('HEXISTS', KEYS[1], 'createdAt') == 0 then return 'ended' end
local item = 'cart:' .. ARGV[1]
if redis.call('HEXISTS', KEYS[1], item) == 0 then
  local items = 0
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 5) == 'cart:' then items = items + 1 end
  end
  if items >= tonumber(ARGV[3]) then return 'full' end
end
redis.call('HSET', KEYS[1], item, ARGV[2])
return 'ok'
`;

/** KEYS: session. ARGV: nothing for all items, else pairs of product id and the quantity it must still have. */
const clearCart = `
if #ARGV == 0 then
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 5) == 'cart:' then redis.call('HDEL', KEYS[1], field) end
  end
end
for i = 1, #ARGV, 2 do
  local item = 'cart:' .. ARGV[i]
  if redis.call('HGET', KEYS[1], item) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], item) end
end
`;

/** KEYS: session. ARGV: pairs of database and LSN; an LSN is two hexadecimal halves of 32 bits. Returns 0 if ended. */
const savePositions = `
if redis.call('HEXISTS', KEYS[1], 'createdAt') == 0 then return 0 end
local function halves(lsn)
  local high, low = string.match(lsn, '^(%x+)/(%x+)$')
  return tonumber(high or '0', 16), tonumber(low or '0', 16)
end
for i = 1, #ARGV, 2 do
  local field = 'position:' .. ARGV[i]
  local high, low = halves(ARGV[i + 1])
  local knownHigh, knownLow = halves(redis.call('HGET', KEYS[1], field) or '')
  if high > knownHigh or (high == knownHigh and low > knownLow) then
    redis.call('HSET', KEYS[1], field, ARGV[i + 1])
  end
end
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
  loadSession: { lua: loadSession, numberOfKeys: 1 },
  beginSession: { lua: beginSession },
  setCartItem: { lua: setCartItem, numberOfKeys: 1 },
  clearCart: { lua: clearCart, numberOfKeys: 1 },
  savePositions: { lua: savePositions, numberOfKeys: 1 },
  readClock: { lua: readClock, numberOfKeys: 1 },
  addToIndex: { lua: addToIndex, numberOfKeys: 2 },
  endAll: { lua: endAll, numberOfKeys: 2 },
};

/** The key that was asked for, and the fields of its hash or 0 for none, 1 for garbage. */
export type SessionReply = [key: Buffer, fields: Buffer[] | number];

type Argument = string | number | Buffer;

/** ioredis, to one server or to a cluster. */
export type SessionConnection = Redis | Cluster;

/** {@link SessionConnection} with {@link sessionScripts}; `Buffer` in a name keeps the reply's bytes as they are. */
export type SessionRedis = SessionConnection & SessionCommands;

interface SessionCommands {
  loadSessionBuffer(key: string, idleMs: number, absoluteMs: number): Promise<SessionReply>;
  beginSessionBuffer(numberOfKeys: number, ...keysAndArguments: Argument[]): Promise<SessionReply>;
  setCartItem(key: string, productId: number, quantity: number, limit: number): Promise<'ok' | 'ended' | 'full'>;
  clearCart(key: string, ...ordered: number[]): Promise<null>;
  savePositions(key: string, ...positions: string[]): Promise<0 | 1>;
  readClock(anyKey: string): Promise<string>;
  addToIndex(key: string, endedKey: string, member: string, absoluteMs: number, provedAt: number | ''): Promise<0 | 1>;
  endAll(key: string, endedKey: string, rememberMs: number): Promise<string[]>;
}

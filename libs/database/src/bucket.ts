/** Far more than there will ever be shards, so that moving to more shards moves whole buckets. */
export const bucketCount = 1024;

/**
 * The bucket of a key, 0 to 1023: FNV-1a, 32 bits, over UTF-8, xor-folded to 10 bits
 * (http://www.isthe.com/chongo/tech/comp/fnv/). Part of the data's layout: with a change every key would be looked for
 * in the wrong shard.
 */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return ((hash >>> 10) ^ hash) & (bucketCount - 1);
}

/** Contiguous ranges of buckets, as equal in size as they can be. */
export function contiguousBucketMap(shardCount: number): number[] {
  return Array.from({ length: bucketCount }, (_, bucket) => Math.floor((bucket * shardCount) / bucketCount));
}

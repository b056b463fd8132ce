const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const SHIFT = 24;

/**
 * Murmur2 by Austin Appleby, 32 bits, with the seed that Kafka's Java client uses (`org.apache.kafka.common.utils.Utils`).
 * A signed number, as there.
 */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = SEED ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const word = Math.imul(view.getInt32(at, true), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word ^ (word >>> SHIFT), MULTIPLIER);
  }
  if (at < bytes.length) {
    for (let last = bytes.length - 1; last >= at; last -= 1) hash ^= (bytes[last] as number) << (8 * (last - at));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/**
 * The partition of a key, as Kafka's Java client computes it. Ours, so that every client, every copy and every year agree:
 * the acknowledgements of a record stand in the partition of the same number.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions;
}

/** How many buckets the rows of a table fall into. */
const BUCKETS = 16_384

/**
 * The bucket of a row: rows of one bucket count as one, so that a table has few tags however many rows.
 *
 * @param key - The primary key's values in the order of the table's `primaryKey`, each canonical: an integer in decimal without sign `+` or
 * leading zeros, or a UUID in lower case with hyphens. The same row must give the same text whoever asks.
 * @returns A whole number from 0 to 16,383: FNV-1a over the texts.
 */
export function rowBucket(key: readonly string[]): number {
  let hash = 0x811c9dc5
  for (const text of key) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
    hash = Math.imul(hash ^ 0x1f, 0x01000193)
  }
  return (hash >>> 0) % BUCKETS
}

import { hash as digest } from 'node:crypto'
import { EVERY_TAG } from '@sluice/core/stores'

/** The Redis keys of a store. Keys of tags share one slot of a Cluster; entries can be in any slot. */
export interface Keys {
  readonly epoch: string
  readonly quarantine: string
  /** Channel for invalidations. */
  readonly bus: string
  /** The intents of writers that modify everything. */
  readonly everyIntent: string
  /** The writes in flight, each with its tags: a sorted set by deadline. Relays read it. */
  readonly writers: string
  /** The last confirmation of the relay from each region: a hash. */
  readonly relays: string
  /** Prefix of the keys of all entries. */
  readonly entryPrefix: string
  /** Exists while all writes of a region are known here, except those of the last `maxLagMs`. */
  fresh(region: string): string
  stamp(tag: string): string
  intent(tag: string): string
  /** The result is a hash: it does not reveal the contents of `key`. */
  entry(key: string): string
  claim(key: string): string
}

/** @param namespace - Letters, digits, `.`, `_` and `-`. */
export function keysOf(namespace: string): Keys {
  const slot = `{${namespace}}`
  const entryPrefix = `${namespace}:e:`
  const intent = (tag: string): string => `${slot}intent:${tag}`
  return {
    epoch: `${slot}epoch`,
    quarantine: `${slot}quarantine`,
    bus: `${slot}bus`,
    everyIntent: intent(EVERY_TAG),
    writers: `${slot}writers`,
    relays: `${slot}relays`,
    entryPrefix,
    fresh: (region) => `${slot}fresh:${region}`,
    stamp: (tag) => `${slot}stamp:${tag}`,
    intent,
    entry: (key) => entryPrefix + hash(key),
    claim: (key) => `${namespace}:c:${hash(key)}`,
  }
}

function hash(text: string): string {
  // UTF-8 has no unpaired surrogates: different keys would become one.
  return /\p{Cs}/u.test(text)
    ? `${digest('sha256', Buffer.from(text, 'utf16le'), 'base64url')}~`
    : digest('sha256', text, 'base64url')
}

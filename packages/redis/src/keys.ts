import { hash as digest } from 'node:crypto'
import { EVERY_TAG } from '@sluice/core/siblings'

/** Where a store's state lies. What belongs to tags shares one slot of a Cluster; entries lie anywhere. */
export interface Keys {
  readonly epoch: string
  readonly quarantine: string
  /** The channel on which invalidations are told. */
  readonly bus: string
  /** The intents of writers of everything. */
  readonly everyIntent: string
  /** What the keys of all entries begin with. */
  readonly entryPrefix: string
  stamp(tag: string): string
  intent(tag: string): string
  /** The entry's key says nothing about what it was made of. */
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
    entryPrefix,
    stamp: (tag) => `${slot}stamp:${tag}`,
    intent,
    entry: (key) => entryPrefix + hash(key),
    claim: (key) => `${namespace}:c:${hash(key)}`,
  }
}

function hash(text: string): string {
  return digest('sha256', text, 'base64url')
}

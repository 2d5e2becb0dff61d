import { type CachingStrategyEngine, InvalidArgumentError } from '@sluice/core'
import { checkJson, ownCacheNamespaces } from '@sluice/core/siblings'
import { Refusal } from '../http/refusal.ts'
import type { ActionResults } from '../protocol/action.ts'
import { type Body, checkFields, optionalInteger, textField } from './body-fields.ts'

const MAX_ENTRIES = 1_000
/** The object of entries is one of them. */
const MAX_LEVELS = 20
/** A year. */
const MAX_TTL = 31_536_000

/** Puts values into the cache that somebody gives, by key. What the engine does not take is told, as what was wrong with the body is. */
export function warmCache(cache: CachingStrategyEngine, body: Body): ActionResults['warm-cache'] {
  checkFields(body, ['namespace', 'data', 'ttl'])
  const namespace = textField(body, 'namespace')
  if (ownCacheNamespaces.includes(namespace))
    throw new Refusal('BAD_BODY', `"${namespace}" is a namespace of Sluice's own: what is put there would be handed out as results.`)
  const data = entriesOf(body.data)
  const ttl = optionalInteger(body, 'ttl', 1, MAX_TTL)
  try {
    checkJson('data', data, MAX_LEVELS)
    return { count: cache.warmCache(namespace, data, ttl), of: Object.keys(data).length }
  } catch (error) {
    throw error instanceof InvalidArgumentError ? new Refusal('BAD_BODY', error.message) : error
  }
}

function entriesOf(data: unknown): Readonly<Record<string, unknown>> {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new Refusal('BAD_BODY', 'The field "data" is an object of values by key: {"key": value}.')
  const entries = Object.entries(data)
  if (entries.length === 0 || entries.length > MAX_ENTRIES)
    throw new Refusal('BAD_BODY', `The field "data" has 1 to ${MAX_ENTRIES} keys; this one has ${entries.length}.`)
  const empty = entries.find(([, value]) => value === null)
  if (empty !== undefined)
    throw new Refusal('BAD_BODY', `The value of "${empty[0].slice(0, 40)}" is null, which looks to a reader as if nothing were there.`)
  return data as Readonly<Record<string, unknown>>
}

import { isInstance } from '@sluice/core/siblings'
import { StoreUnavailableError } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import type { Keys } from '../keys.ts'

/**
 * A relay's statement, in the Redis that it relays to, that it knows all writes. Deadlines and times are of
 * that Redis's clock: the clocks of two machines are never compared.
 */
export interface Confirmation {
  /** Every write that was acknowledged in the other region before this time is known. */
  readonly at: number
  /** How long the confirmation holds from then on, in milliseconds. */
  readonly maxLagMs: number
  /** How long writes of the last minutes took to become known, in milliseconds. */
  readonly lagP50Ms: number
  readonly lagP99Ms: number
}

export interface ReadConfirmation {
  /** Age of `at`; `undefined`: no relay has ever confirmed anything. */
  readonly ageMs: number | undefined
  /** How long it still holds. Not above 0: nothing may be served from the cache. */
  readonly remainingMs: number
  readonly confirmation: Confirmation | undefined
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Key: one of the slot, so that a Cluster selects the node that executes the other scripts. */
const NOW = `${now}return now`

/** Keys: that of the region's freshness, confirmations. Arguments: deadline, region, confirmation. */
const CONFIRM = `${now}
if tonumber(ARGV[1]) > now then redis.call('SET', KEYS[1], '1', 'PXAT', ARGV[1]) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
`

/** Keys: confirmations, then the freshness of each region. Arguments: the regions. */
const READ = `${now}
local reply = { now }
for at = 1, #ARGV do
  reply[2 * at] = redis.call('PTTL', KEYS[at + 1])
  reply[2 * at + 1] = redis.call('HGET', KEYS[1], ARGV[at]) or ''
end
return reply
`

type Client = Redis | Cluster

/** The time of Redis's clock, in milliseconds since 1970. */
export async function redisNow(client: Client, keys: Keys): Promise<number> {
  return Number(await client.eval(NOW, 1, keys.epoch))
}

/** Lets stores serve from the cache until the confirmation expires. */
export async function confirm(
  client: Client,
  keys: Keys,
  region: string,
  confirmation: Confirmation,
): Promise<void> {
  const deadline = confirmation.at + confirmation.maxLagMs
  const text = JSON.stringify(confirmation)
  await client.eval(CONFIRM, 2, keys.fresh(region), keys.relays, deadline, region, text)
}

/** The last confirmation of each region, in the same order. */
export async function readConfirmations(
  client: Client,
  keys: Keys,
  regions: readonly string[],
): Promise<readonly ReadConfirmation[]> {
  const names = [keys.relays, ...regions.map((region) => keys.fresh(region))]
  const reply = (await client.eval(READ, names.length, ...names, ...regions)) as [number, ...unknown[]]
  const [time, ...rest] = reply
  return regions.map((_, at) => {
    const text = String(rest[2 * at + 1])
    const confirmation = text === '' ? undefined : (JSON.parse(text) as Confirmation)
    return {
      remainingMs: Number(rest[2 * at]),
      ageMs: confirmation === undefined ? undefined : Math.max(0, time - confirmation.at),
      confirmation,
    }
  })
}

/** The error of a call to the Redis of another region, with the name of the region. */
export function regionError(region: string, error: unknown): unknown {
  return isInstance(error, StoreUnavailableError)
    ? new StoreUnavailableError(`Redis of the region "${region}"`, error.reason, error)
    : error
}

import { JobBackendError } from '@sluice/core'
import { loadPackage } from '@sluice/core/siblings'

/** Keys that each of BullMQ's scripts takes that are used here, as of the version that they were tried with. */
const KEY_COUNTS = {
  addPrioritizedJob: 9,
  addDelayedJob: 6,
  moveToActive: 11,
  moveToFinished: 14,
  moveToDelayed: 11,
  moveJobFromActiveToWait: 9,
  reprocessJob: 9,
  removeJob: 2,
  pause: 7,
} as const

export type BullmqScript = keyof typeof KEY_COUNTS

/** BullMQ's scripts, as Lua. */
export interface Bullmq {
  readonly version: string
  /** Lua that makes functions of them: each takes the keys and the arguments that BullMQ gives it. */
  functions(...names: readonly BullmqScript[]): string
}

interface Definition {
  readonly numberOfKeys: number
  readonly lua: string
}

/**
 * Loads BullMQ, and asks it for its scripts in the way in which it gives them to a Redis client.
 *
 * @throws MissingPackageError; JobBackendError when it moves jobs in another way than is known here.
 */
export async function loadBullmq(): Promise<Bullmq> {
  const { RedisConnection } = await loadPackage('bullmqJobBackend', 'bullmq', () => import('bullmq'))
  const definitions = new Map<string, Definition>()
  // A client that has ended is asked for nothing else.
  const client = {
    status: 'end',
    isCluster: false,
    options: {},
    defineCommand: (name: string, definition: Definition) => void definitions.set(name, definition),
    connect: ignore,
    disconnect: ignore,
    duplicate: ignore,
    runCommand: ignore,
    pipeline: ignore,
    multi: ignore,
    scanStream: ignore,
    on: ignore,
    getMaxListeners: () => 0,
    setMaxListeners: ignore,
  }
  const connection = new RedisConnection(client, { shared: true, blocking: false, skipVersionCheck: true, skipWaitingForReady: true })
  await connection.client
  const version = [...definitions.keys()][0]?.split(':')[1] ?? 'unknown'
  for (const [name, count] of Object.entries(KEY_COUNTS)) {
    if (definitions.get(`${name}:${version}`)?.numberOfKeys !== count)
      throw new JobBackendError(`BullMQ ${version} moves jobs in another way than BullMQ 6.7, which this version of Sluice works with.`)
  }
  const functionOf = (name: string) => `local ${name} = function(KEYS, ARGV)\n${definitions.get(`${name}:${version}`)?.lua}\nend\n`
  return { version, functions: (...names) => names.map(functionOf).join('') }
}

function ignore(): void {}

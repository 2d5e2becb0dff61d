import { createHash } from 'node:crypto'
import { JobBackendError } from '@sluice/core/jobs'
import { loadPackage } from '@sluice/core/siblings'
import { ignore } from '../server/server.ts'

/** The range of versions that `package.json` allows as the peer. */
export const BULLMQ_RANGE = '~6.7.0'

/** The scripts of BullMQ that are called here, and the number of their keys. */
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

export const BULLMQ_SCRIPTS = Object.keys(KEY_COUNTS) as readonly BullmqScript[]

/** The scripts, and the SHA-256 of each, that the fast path of a step replaces for most tasks. */
const REPLACED: ReadonlyMap<BullmqScript, string> = new Map([
  ['moveToActive', '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a'],
  ['moveToFinished', '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d'],
])

/** BullMQ's scripts, as Lua. */
export interface Bullmq {
  readonly version: string
  /** Whether the scripts are those that the fast path was compared with. Otherwise it is off. */
  readonly hasFastPath: boolean
  /** Returns the Lua source of a script, as BullMQ defines it. */
  lua(name: BullmqScript): string
  /**
   * Returns Lua source that turns scripts into functions: each takes the keys and arguments that BullMQ
   * passes.
   */
  functions(...names: readonly BullmqScript[]): string
}

type BullmqModule = Pick<typeof import('bullmq'), 'RedisConnection'>

interface Definition {
  readonly numberOfKeys: number
  readonly lua: string
}

/**
 * Loads BullMQ, and reads its scripts as it defines them on a Redis client.
 *
 * @throws MissingPackageError; JobBackendError if a script is missing or takes other keys.
 */
export async function loadBullmq(
  load: () => Promise<BullmqModule> = () => import('bullmq'),
): Promise<Bullmq> {
  const { RedisConnection } = await loadPackage('bullmqJobBackend', 'bullmq', load)
  const definitions = new Map<string, Definition>()
  // BullMQ calls nothing else on a client that has ended.
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
  const connection = new RedisConnection(client, {
    shared: true,
    blocking: false,
    skipVersionCheck: true,
    skipWaitingForReady: true,
  })
  await connection.client
  const version = [...definitions.keys()][0]?.split(':')[1] ?? 'unknown'
  for (const [name, expected] of Object.entries(KEY_COUNTS)) {
    const found = definitions.get(`${name}:${version}`)?.numberOfKeys
    if (found !== expected) throw unsupported(version, name, found, expected)
  }
  const lua = (name: BullmqScript) => definitions.get(`${name}:${version}`)?.lua ?? ''
  const functionOf = (name: BullmqScript) => `local ${name} = function(KEYS, ARGV)\n${lua(name)}\nend\n`
  const hasFastPath = [...REPLACED].every(
    ([name, hash]) => createHash('sha256').update(lua(name)).digest('hex') === hash,
  )
  return { version, hasFastPath, lua, functions: (...names) => names.map(functionOf).join('') }
}

function unsupported(
  version: string,
  script: string,
  found: number | undefined,
  expected: number,
): JobBackendError {
  const difference = found === undefined ? 'is missing' : `takes ${found} keys instead of ${expected}`
  return new JobBackendError(
    `BullMQ ${version} is not supported: its script "${script}" ${difference}. Install bullmq@${BULLMQ_RANGE}.`,
  )
}

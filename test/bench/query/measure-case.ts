import { isDeepStrictEqual } from 'node:util'
import type { Sluice } from '@sluice/core'
import { type Clients, openBare, openWithSluice } from './clients.ts'
import type { BenchDatabase } from './databases.ts'
import type { QueryCase } from './query-case.ts'

export type ContenderName =
  | 'bare'
  | 'Sluice, cold'
  | 'Sluice, learned'
  | 'include by hand'
  | 'DataLoader by hand'

/** All connections to one database. Each kind of contender has its own. */
export interface Rig {
  readonly database: BenchDatabase
  readonly bare: Clients
  readonly cold: Clients
  readonly learned: Clients
  close(): Promise<void>
}

export async function openRig(database: BenchDatabase): Promise<Rig> {
  const bare = openBare(database)
  const cold = await openWithSluice(database)
  const learned = await openWithSluice(database)
  return {
    database,
    bare,
    cold,
    learned,
    close: async () => void (await Promise.all([bare, cold, learned].map((clients) => clients.close()))),
  }
}

export interface Sample {
  readonly queries: number
  readonly ms: number
  /** Milliseconds of this process's CPU: the remaining cost if there is no network. */
  readonly cpuMs: number
  /** Keys that Sluice prefetched, the number of used ones, and links that it blocked. */
  readonly keys: number
  readonly used: number
  readonly blocked: number
}

export interface Measured {
  readonly name: ContenderName
  readonly samples: readonly Sample[]
}

export interface Rounds {
  readonly rounds: number
  /** Warm-up rounds. */
  readonly warmUps: number
}

interface Contender {
  readonly name: ContenderName
  readonly clients: Clients
  readonly run: QueryCase['naive']
  /** Runs before each round. Its time does not count. */
  prepare?(): void
}

/**
 * Runs a case in all variants, alternately, round by round; each round begins with a different variant, and
 * warm-ups do not count.
 *
 * @throws Error if two results differ.
 */
export async function measureCase(
  rig: Rig,
  one: QueryCase,
  { rounds, warmUps }: Rounds,
): Promise<Measured[]> {
  const contenders = contendersOf(rig, one)
  for (const { sluice } of [rig.cold, rig.learned]) forget(sluice)
  const bare = await runOnce({ name: 'bare', clients: rig.bare, run: one.naive })
  // It learns the loop in a scope that does not count.
  await runScoped(rig.learned, one.naive)
  const samples = contenders.map(({ name }) => (one.isLong === true && name === 'bare' ? [bare.sample] : []))
  for (let round = -warmUps; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const at = (turn + Math.abs(round)) % contenders.length
      const contender = contenders[at]
      if (contender === undefined || (one.isLong === true && contender.name === 'bare')) continue
      const { sample, result } = await runOnce(contender)
      if (!isDeepStrictEqual(result, bare.result)) {
        throw new Error(
          `${rig.database.name}, ${one.id}: the result of "${contender.name}" differs from the one without Sluice.`,
        )
      }
      if (round >= 0) samples[at]?.push(sample)
    }
  }
  return contenders.map(({ name }, at) => ({ name, samples: samples[at] ?? [] }))
}

function contendersOf(
  { bare, cold, learned }: Rig,
  { naive, include, loader }: QueryCase,
): readonly Contender[] {
  return [
    { name: 'bare', clients: bare, run: naive },
    { name: 'Sluice, cold', clients: cold, run: naive, prepare: () => forget(cold.sluice) },
    { name: 'Sluice, learned', clients: learned, run: naive },
    ...(include === undefined ? [] : [{ name: 'include by hand', clients: bare, run: include } as const]),
    ...(loader === undefined ? [] : [{ name: 'DataLoader by hand', clients: bare, run: loader } as const]),
  ]
}

async function runOnce({
  clients,
  run,
  prepare,
}: Contender): Promise<{ readonly sample: Sample; readonly result: unknown }> {
  prepare?.()
  const before = clients.sluice?.queries.getStats()
  const queriesBefore = clients.statements()
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const result = await runScoped(clients, run)
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  const after = clients.sluice?.queries.getStats()
  const grown = (name: 'prefetchedKeys' | 'prefetchedKeysUsed' | 'blockedLinks') =>
    (after?.[name] ?? 0) - (before?.[name] ?? 0)
  const sample = {
    queries: clients.statements() - queriesBefore,
    ms,
    cpuMs: (user + system) / 1000,
    keys: grown('prefetchedKeys'),
    used: grown('prefetchedKeysUsed'),
    blocked: grown('blockedLinks'),
  }
  return { sample, result }
}

function runScoped(clients: Clients, run: QueryCase['naive']): Promise<unknown> {
  return clients.sluice === undefined ? run(clients) : clients.sluice.run(() => run(clients))
}

/** Resets everything that was learned, as in a new process. */
function forget(sluice: Sluice | undefined): void {
  const nothing = {
    loops: 0,
    span: 0,
    density: 0,
    backward: 0,
    rows: 0,
    fetched: 0,
    used: 0,
    blockedFor: 0,
    backoff: 1,
  }
  sluice?.queries.restorePrefetchLinks(
    sluice.queries.getPrefetchLinks().map(({ id }) => ({ id, ...nothing })),
  )
}

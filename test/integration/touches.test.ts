import type { TableId } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import { type Touches, touches } from '../../packages/prisma/src/touches/touches.ts'
import { CachedReads } from '../support/cached-reads.ts'
import { databases } from '../support/databases.ts'
import { missedRows, tablesOf } from '../support/missed-rows.ts'
import { Random } from '../support/random.ts'
import { type RandomOperation, RandomOperations } from '../support/random-operations.ts'
import { WatchedClient } from '../support/watched-client.ts'

interface Run {
  readonly missed: string[]
  readonly refused: string[]
  readonly written: Set<string>
  readonly cached: CachedReads
  reads: number
  writes: number
  /** Writes with known rows in a table that they changed. */
  exact: number
}

/** Runs random operations and compares the touched rows of each with the prediction. */
async function compare(watched: WatchedClient, random: Random, operations: number): Promise<Run> {
  const run: Run = {
    missed: [],
    refused: [],
    written: new Set(),
    cached: new CachedReads(),
    reads: 0,
    writes: 0,
    exact: 0,
  }
  const make = new RandomOperations(watched.schema, random, watched.rows)
  await watched.load()
  for (let at = 0; at < operations; at++) {
    const isRead = at % 3 > 0
    const operation = isRead ? (random.chance(0.6) ? make.readByKey() : make.read()) : make.write()
    const predicted = touches(watched.schema, operation.model, operation.action, operation.args)
    const isDone = await attempt(watched, operation, run)
    const seen = watched.seen()
    const changes = isRead ? [] : await watched.log.drain()
    // The effects of a failed operation were rolled back, and it may have stopped half-way.
    if (!isDone) continue
    const changed = tablesOf(changes)
    for (const table of changed) run.written.add(table)
    note(run, watched.schema, operation, predicted, { ...seen, changed })
    if (isRead) {
      run.reads++
      await run.cached.keep(watched.known(operation))
    } else {
      run.writes++
      const effect = watched.schema.catalog.effectOf(predicted.changes)
      run.missed.push(...missedRows(changes, effect).map((row) => `${row}: ${show(operation)}`))
      if ([...(effect.rows?.keys() ?? [])].some((table) => changed.has(table))) run.exact++
      await run.cached.written(show(operation), effect, changed)
    }
    await watched.load(changed)
  }
  return run
}

async function attempt(watched: WatchedClient, operation: RandomOperation, run: Run): Promise<boolean> {
  try {
    await watched.run(operation)
    return true
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string }
    if (code === undefined) run.refused.push(`${show(operation)}: ${message.split('\n').at(-1)}`)
    return false
  }
}

function note(
  { missed }: Run,
  schema: PrismaSchema,
  operation: RandomOperation,
  predicted: Touches,
  seen: {
    readonly reads: Set<TableId>
    readonly writes: Set<TableId>
    readonly changed: ReadonlySet<TableId>
  },
): void {
  if (predicted.opaque) missed.push(`opaque: ${show(operation)}`)
  const { tables } = schema.catalog.effectOf(predicted.changes)
  for (const table of seen.reads)
    if (!predicted.reads.has(table) && !tables.has(table)) missed.push(`read of ${table}: ${show(operation)}`)
  for (const table of new Set([...seen.writes, ...seen.changed]))
    if (!tables.has(table)) missed.push(`write of ${table}: ${show(operation)}`)
}

function show({ model, action, args }: RandomOperation): string {
  return `${model}.${action}(${JSON.stringify(args, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))})`
}

describe.each(databases())('touches on $name', { retry: 0 }, ({ dialect, skipped }) => {
  // On MySQL, rows are compared, not logged: each operation costs more.
  const operations = dialect === 'mysql' ? 240 : 480

  it.skipIf(skipped !== undefined)(
    'include every table and row that random operations read or write',
    async () => {
      const watched = await WatchedClient.open(dialect)
      try {
        const run = await compare(watched, new Random(20_260_101), operations)
        expect(run.missed).toEqual([])
        expect(run.refused).toEqual([])
        expect(run.cached.stale).toEqual([])
        expect(run.reads).toBeGreaterThan(operations / 3)
        expect(run.writes).toBeGreaterThan(operations / 5)
        expect(run.exact).toBeGreaterThan(operations / 10)
        expect(run.cached.pinned).toBeGreaterThan(operations / 10)
        expect(run.cached.reruns).toBeGreaterThan(operations / 20)
        expect(run.written.size).toBeGreaterThan(watched.schema.catalog.tables.size - 3)
      } finally {
        await watched.close()
      }
    },
  )
})

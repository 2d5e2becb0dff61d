import { createSluice, type ScopeReport, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../support/databases.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { watchStatements } from '../support/watch-statements.ts'

const EVERY = 17
/** Milliseconds that pass in a driver with each statement, far more than a clock that is read. */
const PAUSE = 50
const TICK = 0.001
/**
 * Each statement passes several places that read the clock; without them, only the ends of the scope remain.
 */
const LEAST_READINGS = { observe: 6, optimize: 9 }

/** A clock that advances on each read, like running code, and on request. */
class WatchedClock {
  #now = 1_000
  readonly now = (): number => {
    this.#now += TICK
    return this.#now
  }
  readonly wall = (): number => this.now()
  readonly pause = (): void => {
    this.#now += PAUSE
  }
}

type Run = () => Promise<unknown>

/** Sequential reads, concurrent reads, and a write. */
async function knexProgram(sluice: Sluice, { pause }: WatchedClock): Promise<Run> {
  const afterCreate = (connection: { function(name: string, fn: () => number): void }, done: () => void) => {
    connection.function('pause', () => {
      pause()
      return 1
    })
    done()
  }
  const pool = { min: 1, max: 1, afterCreate }
  const db = withSluiceKnex(
    knex({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool,
    } as never) as ReturnType<typeof knex>,
    sluice,
  )
  onTestFinished(() => db.destroy())
  await db.schema.createTable('authors', (table) => {
    table.integer('id').primary()
    table.text('name')
  })
  await db('authors').insert([{ id: 1 }, { id: 2 }, { id: 3 }])
  const slow = (id: number) => db('authors').where({ id }).whereRaw('pause() = 1').first()
  return async () => {
    for (const id of [1, 2, 3]) await slow(id)
    await Promise.all([1, 2, 3].map((id) => db('authors').where({ id }).first()))
    await db('authors').where({ id: 1 }).whereRaw('pause() = 1').update({ name: 'A' })
  }
}

async function prismaProgram(sluice: Sluice, { pause }: WatchedClock): Promise<Run> {
  const database = await freshDatabase('sqlite')
  const clients = await prismaClient('sqlite', database)
  await database.exec(clients.ddl)
  const client = new clients.PrismaClient({
    adapter: sluiceAdapter(watchStatements(clients.createAdapter(), pause), sluice),
  })
  onTestFinished(async () => {
    await client.$disconnect()
    await database.drop()
  })
  const prisma = client.$extends(withSluice(sluice, { schema: clients.schema })) as unknown as typeof client
  await prisma.country.create({ data: { code: 'CH', name: 'Switzerland' } })
  return async () => {
    for (const code of ['CH', 'AT', 'IT']) await prisma.country.findFirst({ where: { code } })
    await Promise.all(['CH', 'AT', 'IT'].map((code) => prisma.country.findFirst({ where: { code } })))
    await prisma.country.update({ where: { code: 'CH' }, data: { name: 'Schweiz' } })
  }
}

describe.each([
  ['Knex', knexProgram],
  ['Prisma', prismaProgram],
] as const)('the overhead of scopes on %s', (_, open) => {
  it.each(['observe', 'optimize'] as const)(
    'is measured in 1 of 17 scopes, without the driver: %s',
    async (mode) => {
      const clock = new WatchedClock()
      const sluice = createSluice({ mode, clock, random: () => 0.5 })
      onTestFinished(() => sluice.close())
      const run = await open(sluice, clock)
      const reports: ScopeReport[] = []
      // The time in listeners is not part of the overhead.
      sluice.on('scope', (report) => {
        reports.push(report)
        clock.pause()
      })
      const before = sluice.queries.getStats().overhead
      expect(before).toEqual({
        scopes: 0,
        timedScopes: 0,
        timedMs: 0,
        timedDurationMs: 0,
        msPerScope: undefined,
        totalMs: 0,
      })
      for (let at = 0; at < 2 * EVERY; at += 1) await sluice.run(run, { name: 'GET /page' })
      const timed = reports.filter(({ overheadMs }) => overheadMs !== undefined)
      expect(timed).toEqual([reports[EVERY - 1], reports[2 * EVERY - 1]])
      for (const { overheadMs = 0, durationMs, queries } of timed) {
        expect(durationMs).toBeGreaterThan(4 * PAUSE)
        expect(overheadMs).toBeGreaterThan(LEAST_READINGS[mode] * queries * TICK)
        expect(overheadMs).toBeLessThan(0.9)
      }
      const { overhead } = sluice.queries.getStats()
      expect(overhead).toMatchObject({ scopes: 2 * EVERY, timedScopes: 2 })
      expect(overhead.timedMs).toBeLessThan(1.8)
      expect(overhead.msPerScope).toBeCloseTo(overhead.timedMs / 2)
      expect(overhead.totalMs).toBeCloseTo(overhead.timedMs * EVERY)
      expect(overhead.timedDurationMs).toBeCloseTo(timed.reduce((sum, { durationMs }) => sum + durationMs, 0))
    },
  )
})

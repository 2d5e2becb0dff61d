import { createSluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex from 'knex'
import { prismaClient } from '../support/prisma-clients.ts'
import { createSqliteDatabase } from '../support/sqlite-database.ts'

/** Prints the heap growth in bytes for each thing that an app may do without end. Requires `--expose-gc`. */

const collect = globalThis.gc
if (collect === undefined) throw new Error('run with --expose-gc')

const WARM_UPS = 200

async function growthOf(rounds: number, act: (round: number) => Promise<void>): Promise<number> {
  const used = async () => {
    // Objects released by finalizers are collected in a later tick.
    for (let turn = 0; turn < 8; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 30))
      collect?.()
    }
    return process.memoryUsage().heapUsed
  }
  // Warms up until the engine has compiled the hot path.
  for (let round = 0; round < WARM_UPS; round += 1) await act(round)
  const before = await used()
  for (let round = 0; round < rounds; round += 1) await act(WARM_UPS + round)
  return (await used()) - before
}

/** Extends a client for each request, as multi-tenant apps do. */
async function clientsOfRequests(): Promise<number> {
  const database = await createSqliteDatabase()
  const { PrismaClient, createAdapter, ddl, schema } = await prismaClient('sqlite', database)
  await database.exec(ddl)
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: 0.001 } })
  const base = new PrismaClient({ adapter: sluiceAdapter(createAdapter(), sluice) })
  const growth = await growthOf(300, async () => {
    const ofTenant = base.$extends({ query: { $allOperations: ({ args, query }) => query(args) } })
    const prisma = ofTenant.$extends(withSluice(sluice, { schema }))
    await sluice.run(() => Promise.all([1, 2, 3].map((id) => prisma.post.findFirst({ where: { id } }))))
  })
  await base.$disconnect()
  await sluice.close()
  await database.drop()
  return growth
}

/** Creates an instance, uses it and destroys it. */
async function destroyedInstances(): Promise<number> {
  const database = await createSqliteDatabase()
  await database.exec(
    Array.from(
      { length: 60 },
      (_, n) => `create table t${n} (id integer primary key, a text, b text, c text);`,
    ).join(''),
  )
  const sluice = createSluice({ mode: 'optimize' })
  const growth = await growthOf(100, async () => {
    const db = withSluiceKnex(knex(database.knexConfig()), sluice)
    await db('t1').where('id', 1).first()
    await db('t1').where('id', 1).first()
    await db.destroy()
  })
  await sluice.close()
  await database.drop()
  return growth
}

/** Sends long statements, each only once. */
async function longTexts(): Promise<number> {
  const database = await createSqliteDatabase()
  await database.exec('create table t (id integer, body text)')
  const db = withSluiceKnex(knex(database.knexConfig()), createSluice())
  const growth = await growthOf(100, async (round) => {
    const rows = Array.from({ length: 100 }, (_, row) => `(${round}, '${round} ${row} ${'x'.repeat(1000)}')`)
    await db.raw(`insert into t values ${rows.join()}`)
  })
  await db.destroy()
  await database.drop()
  return growth
}

console.log(
  JSON.stringify({
    'clients of requests': await clientsOfRequests(),
    'destroyed instances': await destroyedInstances(),
    'long texts': await longTexts(),
  }),
)

import { createSluice, type Dialect, type Sluice, type SluiceOptions } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { connectRead } from './catalog-read.ts'
import { type Database, freshDatabase } from './databases.ts'
import { type PrismaClients, prismaClient, type TestPrismaClient } from './prisma-clients.ts'
import { watchStatements } from './watch-statements.ts'

/** Both ORMs on one database, without Sluice and with one Sluice. */
export interface Stack {
  readonly dialect: Dialect
  readonly database: Database
  readonly clients: PrismaClients
  readonly sluice: Sluice
  readonly bare: TestPrismaClient
  readonly prisma: TestPrismaClient
  readonly bareDb: Knex
  readonly db: Knex
  /** Statements that the instrumented clients sent since the last call. */
  taken(): string[]
  /** Waits until Knex has read the catalog. */
  ready(): Promise<void>
  close(): Promise<void>
}

export interface StackOptions extends SluiceOptions {
  /** If `false`, the models are read from the database. */
  readonly schema?: boolean
  /** If `false`, the statements are not instrumented. */
  readonly adapter?: boolean
  /** Statements in addition to those of the models, which are sent before Sluice reads the schema. */
  readonly definitions?: string
  /** The client of Knex. */
  readonly client?: string
  /** If `false`, errors inside Sluice are expected. */
  readonly reportsErrors?: boolean
}

export async function openStack(
  dialect: Dialect,
  {
    schema = true,
    adapter = true,
    reportsErrors = true,
    client: knexClient,
    definitions,
    ...options
  }: StackOptions = {},
): Promise<Stack> {
  const database = await freshDatabase(dialect, knexClient)
  const clients = await prismaClient(dialect, database)
  await database.exec(clients.ddl)
  if (definitions !== undefined) await database.exec(definitions)
  // On a busy machine, a database may take longer than two seconds to answer.
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 }, schemaCheckMs: 10_000, ...options })
  const log: string[] = []
  const watched = watchStatements(clients.createAdapter(), (sql) => log.push(sql))
  const bare = new clients.PrismaClient({ adapter: clients.createAdapter() })
  const client = new clients.PrismaClient({ adapter: adapter ? sluiceAdapter(watched, sluice) : watched })
  const prisma = client.$extends(
    withSluice(sluice, schema ? { schema: clients.schema } : {}),
  ) as unknown as TestPrismaClient
  const bareDb = knex(database.knexConfig())
  const db = withSluiceKnex(knex(database.knexConfig()), sluice)
  db.on('query', ({ sql }: { sql: string }) => log.push(sql))
  const errors: unknown[] = []
  sluice.on('error', (error) => errors.push(error))
  if (adapter) await connectRead(client, sluice)
  log.splice(0)
  return {
    dialect,
    database,
    clients,
    sluice,
    bare,
    prisma,
    bareDb,
    db,
    taken: () => log.splice(0),
    async ready() {
      await db('countries').select('code').limit(1)
      for (let turns = 0; turns < 1000 && !(await isCached(sluice, db)); turns += 1)
        await new Promise((resolve) => setImmediate(resolve))
      log.splice(0)
    },
    async close() {
      await sluice.close()
      await Promise.all([bare.$disconnect(), client.$disconnect(), bareDb.destroy(), db.destroy()])
      await database.drop()
      if (reportsErrors && errors.length > 0) throw errors[0]
    },
  }
}

/** Whether the catalog is known: a read is served from the cache the second time. */
async function isCached(sluice: Sluice, db: Knex): Promise<boolean> {
  const before = sluice.queries.getStats().cacheHits
  await db('countries').select('name').limit(1)
  await db('countries').select('name').limit(1)
  return sluice.queries.getStats().cacheHits > before
}

/** Rows for every model that the tests read; small, with nulls, gaps and repeated keys. */
export async function seed(prisma: TestPrismaClient): Promise<void> {
  await prisma.country.createMany({
    data: ['FR', 'DE', 'JP'].map((code) => ({ code, name: `Country ${code}` })),
  })
  const updatedAt = new Date('2026-01-01T00:00:00.000Z')
  await prisma.author.createMany({
    data: Array.from({ length: 12 }, (_, i) => ({
      id: i + 1,
      email: `a${i + 1}@example.org`,
      name: `Author ${i + 1}`,
      followers: BigInt(i * 1000),
      rating: i % 3 === 0 ? null : `${i}.5`,
      born: i % 2 === 0 ? new Date(Date.UTC(1980 + i, 0, 1)) : null,
      updatedAt,
      countryCode: [null, 'FR', 'DE', 'JP'][i % 4] ?? null,
    })),
  })
  await prisma.post.createMany({
    data: Array.from({ length: 40 }, (_, i) => ({
      id: i + 1,
      slug: `post-${i + 1}`,
      title: `Post ${i + 1}`,
      views: (i * 7) % 11,
      createdAt: updatedAt,
      authorId: (i % 9) + 1,
      editorId: i % 4 === 0 ? null : (i % 5) + 1,
    })),
  })
  await prisma.comment.createMany({
    data: Array.from({ length: 30 }, (_, i) => ({
      id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
      body: `Comment ${i}`,
      score: i % 4,
      postId: (i % 13) + 1,
      authorId: i % 3 === 0 ? null : (i % 7) + 1,
    })),
  })
  await prisma.organization.createMany({ data: ['o1', 'o2'].map((id) => ({ id, name: `Org ${id}` })) })
  await prisma.membership.createMany({
    data: [
      ['o1', 1],
      ['o1', 2],
      ['o2', 1],
      ['o2', 3],
    ].map(([orgId, userId]) => ({
      orgId: orgId as string,
      userId: userId as number,
      role: `role ${orgId}${userId}`,
    })),
  })
  await prisma.tag.createMany({
    data: Array.from({ length: 5 }, (_, i) => ({ id: i + 1, label: `tag ${i + 1}` })),
  })
  await prisma.post.update({ where: { id: 1 }, data: { tags: { connect: [{ id: 1 }, { id: 2 }] } } })
  await prisma.device.createMany({
    data: [1n, 2n, 9007199254740995n].map((id) => ({ id, name: `Device ${id}` })),
  })
  await prisma.reading.createMany({
    data: Array.from({ length: 9 }, (_, i) => ({
      id: i + 1,
      at: updatedAt,
      value: i / 4,
      deviceId: [1n, 2n, 9007199254740995n][i % 3] ?? 1n,
    })),
  })
}

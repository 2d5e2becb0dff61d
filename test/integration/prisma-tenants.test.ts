import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type MemoryStore, memoryStore } from '../../packages/core/src/cache/stores/memory-store.ts'
import { connectRead } from '../support/catalog-read.ts'
import { type Database, databases, freshDatabase } from '../support/databases.ts'
import { type PrismaClients, prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'

const schemas = ['one', 'two'] as const
type Tenant = (typeof schemas)[number]

/** Clients of one Prisma schema whose adapters use different schemas (on MySQL: databases) of one server. */
describe.each(databases().filter(({ dialect }) => dialect !== 'sqlite'))(
  'tenants on $name',
  ({ dialect, skipped }) => {
    describe.skipIf(skipped !== undefined)('', () => {
      let database: Database
      let clients: PrismaClients
      const names = new Map<Tenant, string>()
      const cleanups: (() => unknown)[] = []
      beforeAll(async () => {
        database = await freshDatabase(dialect)
        clients = await prismaClient(dialect, database)
        const name = new URL(database.url ?? '').pathname.slice(1)
        await database.exec(clients.ddl)
        for (const tenant of schemas) {
          const schema = dialect === 'mysql' ? `${name}_${tenant}` : tenant
          names.set(tenant, schema)
          const [make, use] =
            dialect === 'mysql' ? ['create database', 'use'] : ['create schema', 'set search_path =']
          await database.exec(`${make} ${schema}; ${use} ${schema}; ${clients.ddl}`)
        }
        await database.exec(dialect === 'mysql' ? `use ${name}` : 'set search_path = public')
      })
      afterAll(async () => {
        if (dialect === 'mysql')
          for (const schema of names.values()) await database.exec(`drop database ${schema}`)
        await database.drop()
      })
      afterEach(async () => {
        for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
      })

      const nameOf = (tenant: Tenant) => names.get(tenant) ?? ''
      function adapterOf(tenant: Tenant) {
        const url = database.url ?? ''
        return dialect === 'mysql'
          ? new PrismaMariaDb(url.replace(/^mysql:/, 'mariadb:'), { database: nameOf(tenant) })
          : new PrismaPg({ connectionString: url, max: 2 }, { schema: nameOf(tenant) })
      }
      function sluiceOn(store?: MemoryStore): Sluice {
        const sluice = createSluice({
          mode: 'optimize',
          cache: { ttl: 300, ...(store === undefined ? {} : { store }) },
        })
        cleanups.push(() => sluice.close())
        return sluice
      }
      async function clientOf(
        tenant: Tenant,
        sluice: Sluice,
        { schema = true, adapter = true } = {},
      ): Promise<TestPrismaClient> {
        const own = adapterOf(tenant)
        const client = new clients.PrismaClient({ adapter: adapter ? sluiceAdapter(own, sluice) : own })
        cleanups.push(() => client.$disconnect())
        const prisma = client.$extends(
          withSluice(sluice, schema ? { schema: clients.schema } : {}),
        ) as unknown as TestPrismaClient
        if (adapter) await connectRead(client, sluice)
        await prisma.tag.deleteMany()
        await prisma.tag.create({ data: { id: 1, label: tenant } })
        return prisma
      }
      const label = async (prisma: TestPrismaClient) =>
        (await prisma.tag.findUnique({ where: { id: 1 } }))?.label

      it.each([true, false])(
        'have separate results in a shared store, generated schema: %s',
        async (schema) => {
          const store = memoryStore()
          const one = await clientOf('one', sluiceOn(store.fork()), { schema })
          const two = await clientOf('two', sluiceOn(store.fork()), { schema })
          for (let round = 0; round < 2; round += 1)
            expect([await label(one), await label(two)]).toEqual(['one', 'two'])
        },
      )

      it.each([[true, true], [false, true], ...(dialect === 'postgresql' ? [[true, false]] : [])])(
        'see the writes of Knex to their tables, and Knex sees theirs; generated schema: %s, statements instrumented: %s',
        async (schema, adapter) => {
          const sluice = sluiceOn()
          const one = await clientOf('one', sluice, { schema, adapter })
          const two = await clientOf('two', sluice, { schema, adapter })
          const db = withSluiceKnex(knex(database.knexConfig()), sluice)
          cleanups.push(() => db.destroy())
          const inOne = () => db.withSchema(nameOf('one')).from('Tag')
          const labels = async () => [
            await label(one),
            (await inOne().where({ id: 1 }).first())?.label,
            await label(two),
          ]
          for (let turn = 0; turn < 500 && sluice.queries.getStats().cacheHits < 3; turn += 1) {
            await labels()
            await new Promise((resolve) => setImmediate(resolve))
          }
          expect(await labels()).toEqual(['one', 'one', 'two'])
          await inOne().where({ id: 1 }).update({ label: 'of Knex' })
          expect(await labels()).toEqual(['of Knex', 'of Knex', 'two'])
          await one.tag.update({ where: { id: 1 }, data: { label: 'of Prisma' } })
          expect(await labels()).toEqual(['of Prisma', 'of Prisma', 'two'])
          await one.$executeRawUnsafe(
            `update ${nameOf('one')}.${dialect === 'mysql' ? '`Tag`' : '"Tag"'} set label = 'raw' where id = 1`,
          )
          expect(await labels()).toEqual(['raw', 'raw', 'two'])
          expect(sluice.queries.getStats().unpredictedWrites).toBe(0)
        },
      )
    })
  },
)

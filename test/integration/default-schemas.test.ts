import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import { sluiceAdapter, withSluice as withSluicePrisma } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

describe.each(databases().filter(({ dialect }) => dialect !== 'sqlite'))(
  'default schemas on $name',
  ({ dialect, skipped, connect }) => {
    describe.skipIf(skipped !== undefined)('', () => {
      let database: Database
      let schemas: readonly [string, string]
      let sluice: Sluice
      const open: Knex[] = []
      beforeAll(async () => {
        database = await connect()
        const name = new URL(database.url).pathname.slice(1)
        schemas = dialect === 'mysql' ? [`${name}_a`, `${name}_b`] : ['sa', 'sb']
        const make = (schema: string) =>
          `create ${dialect === 'mysql' ? 'database' : 'schema'} ${schema}; create table ${schema}.users (id int primary key, v int);`
        await database.exec(schemas.map(make).join(''))
      })
      afterAll(async () => {
        if (dialect === 'mysql')
          await database?.exec(schemas.map((schema) => `drop database ${schema};`).join(''))
        await database?.drop()
      })
      beforeEach(async () => {
        sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
        await database.exec(
          schemas
            .map((schema) => `delete from ${schema}.users; insert into ${schema}.users values (1, 10);`)
            .join(''),
        )
      })
      afterEach(async () => {
        await sluice.close()
        await Promise.all(open.splice(0).map((db) => db.destroy()))
      })

      /** An instance that resolves unqualified names in a schema, with its catalog read. */
      async function instance(schema: string): Promise<Knex> {
        const config = database.knexConfig()
        const url = new URL(database.url)
        if (dialect === 'mysql') url.pathname = schema
        const db = withSluice(
          knex(
            dialect === 'mysql' ? { ...config, connection: url.href } : { ...config, searchPath: [schema] },
          ),
          sluice,
        )
        open.push(db)
        for (let answered = 0, turns = 0; answered === 0 && turns < 1000; turns += 1) {
          const before = sluice.queries.getStats().cacheHits
          await db('users').select('v')
          await db('users').select('v')
          answered = sluice.queries.getStats().cacheHits - before
          await new Promise((resolve) => setImmediate(resolve))
        }
        return db
      }

      it.each([
        [0, 1],
        [1, 0],
      ])(
        'determines which table an unqualified name means, regardless of the connection order (%i, %i)',
        async (first, second) => {
          const made = [await instance(schemas[first] ?? ''), await instance(schemas[second] ?? '')]
          const [a, b] = first === 0 ? made : made.reverse()
          if (a === undefined || b === undefined) throw new Error('Expected two instances.')
          const seen = async () => [
            (await b.withSchema(schemas[0]).from('users').first()).v,
            (await a('users').first()).v,
            (await b('users').first()).v,
          ]
          expect(await seen()).toEqual([10, 10, 10])
          await a('users').update({ v: 11 })
          expect(await seen()).toEqual([11, 11, 10])
          await b('users').update({ v: 12 })
          expect(await seen()).toEqual([11, 11, 12])
          await b.raw(`update ${schemas[0]}.users set v = 13`)
          expect(await seen()).toEqual([13, 13, 12])
          const { cacheHits } = sluice.queries.getStats()
          await a('users').update({ v: 14 })
          expect((await b('users').first()).v).toBe(12)
          expect(sluice.queries.getStats().cacheHits).toBe(cacheHits + 1)
        },
      )
    })
  },
)

describe.each(databases())('names on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { adapter: false })
      await seed(stack.bare)
      await stack.ready()
    })
    afterAll(() => stack?.close())

    it('are the same for a Prisma client whose statements are not instrumented', async () => {
      const { db, prisma } = stack
      const name = async () => (await db('posts').where('id', 1).first()).title
      const before = await name()
      await prisma.post.update({ where: { id: 1 }, data: { title: `${before}!` } })
      expect(await name()).toBe(`${before}!`)
      const read = async () => (await prisma.post.findMany({ where: { id: 1 } }))[0]?.title
      expect(await read()).toBe(`${before}!`)
      await db('posts').where('id', 1).update({ title: before })
      expect(await read()).toBe(before)
    })

    it('of models are known as soon as a client is attached', async () => {
      const { clients, database, bare } = stack
      const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      const db = withSluice(knex(database.knexConfig()), sluice)
      const name = async () => (await db('authors').where('id', 1).first()).full_name
      while (sluice.queries.getStats().cacheHits === 0) await name()
      const client = new clients.PrismaClient({ adapter: sluiceAdapter(clients.createAdapter(), sluice) })
      client.$extends(withSluicePrisma(sluice, { schema: clients.schema }))
      await bare.author.update({ where: { id: 1 }, data: { name: 'somebody else' } })
      sluice.invalidate('Author')
      expect(await name()).toBe('somebody else')
      await Promise.all([client.$disconnect(), db.destroy()])
      await sluice.close()
    })
  })
})

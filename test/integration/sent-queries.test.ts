import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'

interface Item {
  readonly id: number
  readonly tenant: string
  readonly data: string
}

const ITEMS: readonly Item[] = [
  { id: 1, tenant: 'a', data: 'one' },
  { id: 2, tenant: 'b', data: 'two' },
  { id: 3, tenant: 'a', data: 'three' },
]

const connect = (config: Knex.Config = {}): Knex =>
  knex({
    client: 'better-sqlite3',
    connection: ':memory:',
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
    ...config,
  })

async function fill(db: Knex): Promise<void> {
  await db.schema.createTable('items', (table) => {
    table.integer('id').primary()
    table.string('tenant')
    table.string('data')
  })
  await db('items').insert([...ITEMS])
}

/** Statements for one read. */
async function sentBy(db: Knex, read: () => PromiseLike<unknown>): Promise<readonly string[]> {
  const sent: string[] = []
  const note = ({ sql }: { readonly sql: string }) => void sent.push(sql)
  db.on('query', note)
  await read()
  db.removeListener('query', note)
  return sent
}

describe('sent queries', () => {
  let sluice: Sluice
  let db: Knex
  const errors: unknown[] = []
  beforeEach(async () => {
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    errors.length = 0
    sluice.on('error', (error) => errors.push(error))
    db = withSluice(connect(), sluice)
    await fill(db)
    await expect.poll(() => sentBy(db, () => db('items').where('id', 3).select('data'))).toEqual([])
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
      expect(errors).toEqual([])
    })
  })

  it('determine the result of a builder that changes after it was issued', async () => {
    const builder = db('items').where('tenant', 'a')
    const changed = builder.then((rows) => rows)
    builder.where('id', 1)
    expect(await changed).toEqual([ITEMS[0]])
    expect(sluice.getResultStats()?.queryChanges).toBe(1)
    expect(await db('items').where('tenant', 'a')).toEqual([ITEMS[0], ITEMS[2]])
    expect(await db('items').where('tenant', 'a').where('id', 1)).toEqual([ITEMS[0]])
  })

  it('are not shared with another reader who waits for the result', async () => {
    const builder = db('items').where('tenant', 'a')
    const changed = builder.then((rows) => rows)
    const other = db('items')
      .where('tenant', 'a')
      .then((rows) => rows)
    builder.where('id', 1)
    expect([await changed, await other]).toEqual([[ITEMS[0]], [ITEMS[0], ITEMS[2]]])
  })

  it('determine the result when a buffer changes after the query was issued', async () => {
    await db.schema.createTable('blobs', (table) => {
      table.integer('id')
      table.binary('data')
    })
    await db('blobs').insert([
      { id: 1, data: Buffer.from('a') },
      { id: 2, data: Buffer.from('b') },
    ])
    await expect.poll(() => sentBy(db, () => db('blobs').where('id', 2))).toEqual([])
    const data = Buffer.from('a')
    const changed = db('blobs')
      .where({ data })
      .select('id')
      .then((rows) => rows)
    data.write('b')
    expect(await changed).toEqual([{ id: 2 }])
    expect(
      await db('blobs')
        .where({ data: Buffer.from('a') })
        .select('id'),
    ).toEqual([{ id: 1 }])
  })

  it('are batched in the state in which they are sent', async () => {
    const { value, report } = await inScope(sluice, () => {
      const builders = [1, 2, 3].map((id) => db('items').where({ id }))
      const all = Promise.all(builders.map((builder) => builder.then((rows) => rows)))
      builders[0]?.where('tenant', 'b')
      return all
    })
    expect(value).toEqual([[], [ITEMS[1]], [ITEMS[2]]])
    expect(report.queries).toBe(2)
  })

  it('are all that an instance sends whose `start` listeners may change them', async () => {
    const ids = async () => (await db('items').select('id').orderBy('id')).map(({ id }) => id)
    expect(await ids()).toEqual([1, 2, 3])
    let tenant = 'b'
    db.on('start', (builder: Knex.QueryBuilder) => void builder.where('tenant', tenant))
    expect(await ids()).toEqual([2])
    expect(await ids()).toEqual([2])
    tenant = 'a'
    expect(await ids()).toEqual([1, 3])
    const { value } = await inScope(sluice, () =>
      Promise.all([1, 2, 3].map((id) => db('items').where({ id }).select('id'))),
    )
    expect(value).toEqual([[{ id: 1 }], [], [{ id: 3 }]])
    const user = db.withUserParams({})
    user.on('start', (builder: Knex.QueryBuilder) => void builder.where('id', 3))
    expect(await user('items').select('id')).toEqual([{ id: 3 }])
  })

  it('raise no errors while migrations run, which set `wrapIdentifier` to null', async () => {
    const { client } = db as unknown as { readonly client: { readonly config: { wrapIdentifier?: unknown } } }
    client.config.wrapIdentifier = null
    expect(await db('items').where({ id: 1 })).toEqual([ITEMS[0]])
    const { value } = await inScope(sluice, () => Promise.all([1, 2].map((id) => db('items').where({ id }))))
    expect(value).toEqual([[ITEMS[0]], [ITEMS[1]]])
  })
})

async function inScope<T>(sluice: Sluice, work: () => Promise<T>) {
  const scope = sluice.openScope('test')
  const value = await scope.enter(work)
  return { value, report: scope.end() }
}

describe('shadow mode', () => {
  it('runs statements with possible side effects once, and sends the caller’s query first', async () => {
    const sluice = createSluice({ mode: 'shadow', cache: { ttl: 300 }, shadow: { sample: 1 } })
    const db = withSluice(connect(), sluice)
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
    })
    await fill(db)
    await expect
      .poll(async () => {
        await db('items').where('id', 1)
        return sluice.queries.getStats().shadowed
      })
      .toBeGreaterThan(0)
    const insert = () => db.raw("insert into items (tenant, data) values ('c', 'new') returning id")
    expect(await sentBy(db, insert)).toHaveLength(1)
    const random = () => db('items').select(db.raw('random()')).limit(1)
    expect(await sentBy(db, random)).toHaveLength(1)
    const { shadowed } = sluice.queries.getStats()
    await random()
    await db('items').where('id', 1)
    await expect.poll(() => sluice.queries.getStats().shadowed).toBeGreaterThan(shadowed)
    expect(sluice.queries.getStats().shadowed, 'the read by key alone is run twice').toBe(shadowed + 1)
    const withInsert = () => db('items').with('x', db.raw('select abs(random())')).select('id').from('x')
    await sentBy(db, () =>
      withInsert().then(
        () => {},
        () => {},
      ),
    )
    expect(await sentBy(db, () => db('items').where('id', 2))).not.toHaveLength(0)
  })
})

const [, postgresql] = databases()

describe.skipIf(postgresql?.skipped !== undefined)(
  'the PostgreSQL catalog with a pool of one connection',
  () => {
    const open = async (options: Knex.Config = {}) => {
      const database = (await postgresql?.connect()) as Database
      await database.exec('create table items (id int primary key); insert into items values (1), (2)')
      const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      const errors: unknown[] = []
      sluice.on('error', (error) => errors.push(error))
      const db = withSluice(
        knex({
          ...database.knexConfig(),
          pool: { min: 0, max: 1 },
          acquireConnectionTimeout: 5_000,
          ...options,
        }),
        sluice,
      )
      onTestFinished(async () => {
        await db.destroy()
        await sluice.close()
        await database.drop()
        expect(errors).toEqual([])
      })
      const connections = async () =>
        (
          await database.query(
            'select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          )
        ).length
      const cached = () => expect.poll(() => sentBy(db, () => db('items').where('id', 2))).toEqual([])
      return { db, connections, cached }
    }

    it('is read without waiting for the pool, and leaves no connection behind', async () => {
      const { db, connections, cached } = await open()
      const transaction = await db.transaction()
      // The pool has none left: the catalog is read anyway.
      db('items')
        .where('id', 1)
        .then(() => {})
      await transaction('items').where('id', 1)
      await expect.poll(() => connections()).toBe(2)
      await expect.poll(() => connections()).toBe(1)
      await transaction.commit()
      await cached()
      expect(await connections()).toBe(1)
    })

    it('releases its connection when the instance is destroyed during the read', async () => {
      const { db, connections } = await open()
      await db('items').where('id', 1)
      await db.destroy()
      await expect.poll(() => connections()).toBe(0)
    })

    it('uses a connection of the pool if it cannot open another', async () => {
      const { db, cached } = await open()
      const { client } = db as unknown as {
        readonly client: Record<'acquireConnection' | 'acquireRawConnection', () => Promise<object>>
      }
      const { releaseConnection } = client as unknown as {
        releaseConnection(connection: object): Promise<void>
      }
      await releaseConnection.call(client, await client.acquireConnection())
      let refused = 0
      client.acquireRawConnection = () => {
        refused += 1
        return Promise.reject(new Error('sorry, too many clients already'))
      }
      await cached()
      expect(refused).toBeGreaterThan(0)
    })
  },
)

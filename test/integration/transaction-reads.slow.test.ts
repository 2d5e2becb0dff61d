import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { expect, it } from 'vitest'
import { databases, freshDatabase } from '../support/databases.ts'
import { Random } from '../support/random.ts'

const ROWS = 8
const WORKERS = 4
const SECONDS = 20
const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

/**
 * Each worker reads and writes separate rows in transactions, so it knows what it must read. Readers must
 * never see a value that was not committed.
 */
it.skipIf(postgres?.skipped !== undefined)(
  'reads of transactions are never wrong, lost, dirty or out of order',
  async () => {
    const random = new Random(Number(process.env.SLUICE_TEST_SEED ?? Date.now()))
    const database = await freshDatabase('postgresql')
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const bare = knex(database.knexConfig())
    const db = withSluice(knex({ ...database.knexConfig(), pool: { min: 0, max: 8 } }), sluice)
    const wrong: string[] = []
    const check = (isRight: boolean, what: string) => isRight || wrong.push(what)
    let [transactions, reads, isOver] = [0, 0, false]
    await bare.schema.createTable('attacked', (table) => {
      table.integer('id').primary()
      table.integer('v')
    })
    await bare('attacked').insert(Array.from({ length: ROWS }, (_, id) => ({ id, v: 0 })))
    const committed = Array.from({ length: ROWS }, () => 0)
    const read = (from: Knex, id: number): Promise<number> => {
      reads += 1
      return from('attacked')
        .where({ id })
        .first('v')
        .then((row) => row.v)
    }
    const write = (from: Knex, id: number, v: number) =>
      from('attacked')
        .where({ id })
        .update({ v })
        .then(() => {})
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

    /** Each resolves to the row's value afterwards. */
    const programs: readonly ((id: number, old: number, next: number) => Promise<number>)[] = [
      async (id, old, next) => {
        await db
          .transaction(async (of) => {
            const [before, , after] = await Promise.all([read(of, id), write(of, id, -next), read(of, id)])
            check(before === old && after === -next, 'parallel reads around a write')
            check((await read(of, id)) === -next, 'a read after a write')
            throw new Error('Roll back')
          })
          .catch(() => {})
        return old
      },
      async (id, old, next) => {
        await db.transaction(async (of) => {
          check((await read(of, id)) === old, 'a read before a write')
          await write(of, id, next)
          check((await read(of, id)) === next, 'a read after a write')
        })
        return next
      },
      async (id, old) => {
        await db
          .transaction(async (of) => {
            await read(of, id)
            await of.raw('SELECT 1 / 0').catch(() => {})
            await read(of, id).then(
              () => wrong.push('a read in an aborted transaction'),
              () => {},
            )
          })
          .catch(() => {})
        return old
      },
      async (id, old) => {
        const order: number[] = []
        const noted = (at: number, promise: Promise<unknown>) => promise.then(() => order.push(at))
        const others = Array.from({ length: 4 }, () => random.below(ROWS))
        await db.transaction((of) => Promise.all([id, ...others].map((one, at) => noted(at, read(of, one)))))
        check(order.join() === '0,1,2,3,4', `order ${order.join()}`)
        return old
      },
      async (id, old) => {
        await db.transaction(
          async (of) => {
            const before = await read(of, (id + 2) % ROWS)
            await pause(random.below(20))
            check((await read(of, (id + 2) % ROWS)) === before, 'a snapshot')
          },
          { isolationLevel: random.pick(['repeatable read', 'serializable'] as const) },
        )
        return old
      },
      async (id, old, next) => {
        await db.transaction(async (of) => {
          const [before] = await Promise.all([read(of, id), write(of, id, next)])
          check(before === old, 'a read next to a write')
          await of
            .transaction(async (nested) => {
              await write(nested, id, -7)
              check((await read(nested, id)) === -7, 'a read in a nested transaction')
              throw new Error('Roll back')
            })
            .catch(() => {})
          check((await read(of, id)) === next, 'a read after a nested transaction')
        })
        return next
      },
      async (id, old, next) => {
        const of = await db.transaction()
        await Promise.all([
          write(of, id, -next),
          read(of, id).then((v) => check(v === -next, 'a read after a write')),
        ])
        await of.rollback()
        return old
      },
      async (id, _, next) => {
        await write(db, id, next)
        return next
      },
      async (id, old, next) => {
        // A connection on which the app itself sends a statement.
        await db.transaction(async (of) => {
          check((await read(of, id)) === old, 'a read before a bypass')
          const connection = await of.client.acquireConnection()
          await connection.query(`UPDATE attacked SET v = ${next} WHERE id = ${id}`)
          check((await read(of, id)) === next, 'a read after a bypass')
          // Sluice cannot see this write: the next write invalidates what it has cached.
          await write(of, id, next)
        })
        return next
      },
    ]

    const worker = async (own: readonly number[]) => {
      while (!isOver) {
        const id = random.pick(own)
        const old = committed[id] as number
        transactions += 1
        committed[id] = await random.pick(programs)(id, old, old + 1)
        const now = await bare('attacked').where({ id }).first('v')
        check(now.v === committed[id], `a committed value: expected ${committed[id]}, found ${now.v}`)
      }
    }
    const reader = async () => {
      while (!isOver) {
        const id = random.below(ROWS)
        const seen = committed[id] as number
        const v = await sluice.run(() =>
          random.below(2) === 0 ? read(db, id) : db.transaction((of) => read(of, id)),
        )
        check(v >= seen, `a value that is not committed, or an old one: ${v} after ${seen}`)
        await pause(random.below(3))
      }
    }
    try {
      await read(db, 0)
      await pause(1000)
      const all = [
        ...Array.from({ length: WORKERS }, (_, at) => worker([2 * at, 2 * at + 1])),
        reader(),
        reader(),
      ]
      await pause(SECONDS * 1000)
      isOver = true
      await Promise.all(all)
      const { cacheHits } = sluice.queries.getStats()
      console.log(`${transactions} transactions, ${reads} reads, ${cacheHits} from the cache.`)
      expect(errors).toEqual([])
      expect(wrong).toEqual([])
      expect(cacheHits).toBeGreaterThan(reads / 10)
    } finally {
      isOver = true
      await sluice.close()
      await Promise.all([db.destroy(), bare.destroy()])
      await database.drop()
    }
  },
  120_000,
)

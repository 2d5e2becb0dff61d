import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { knexDatabases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

interface Connection {
  query(...args: unknown[]): unknown
}

const POSTGRES = knexDatabases().filter(({ dialect }) => dialect === 'postgresql')

/** Records what reaches the driver: Knex also emits `query` for statements that Sluice does not send. */
function record(db: Knex, sent: string[]): void {
  const client = db.client as { acquireRawConnection(): Promise<Connection> }
  const acquire = client.acquireRawConnection
  client.acquireRawConnection = async () => {
    const connection = await acquire.call(client)
    const { query } = connection
    connection.query = (...args) => {
      const [config] = args
      sent.push(typeof config === 'string' ? config : String((config as { readonly text: unknown }).text))
      return query.apply(connection, args)
    }
    return connection
  }
}

describe.each(POSTGRES)('reads of Knex transactions on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let db: Knex
    const sent: string[] = []
    beforeAll(async () => {
      stack = await openStack(dialect, { client })
      db = stack.db
      record(db, sent)
      await seed(stack.bare)
      await stack.ready()
      // From now on, results of BEGIN, COMMIT and ROLLBACK are known.
      await db.transaction((transaction) => transaction.raw('SELECT 1'))
      await db.transaction((transaction) => transaction.raw('SELECT 1').then(() => transaction.rollback()))
    })
    beforeEach(async () => {
      await db('posts').where({ id: 1 }).update({ title: 'Before' })
      for (const id of [1, 2, 3]) await title(db, id)
      sent.splice(0)
    })
    afterAll(() => stack?.close())

    // `then` issues a builder immediately, and `await` later.
    const title = (from: Knex, id = 1): Promise<string> =>
      from('posts')
        .where({ id })
        .first('title')
        .then((row) => row?.title)
    const write = (from: Knex): Promise<number> =>
      from('posts')
        .where({ id: 1 })
        .update({ title: 'After' })
        .then((count) => count)

    it('are served from the cache, without BEGIN and COMMIT', async () => {
      expect(await db.transaction((transaction) => title(transaction))).toBe('Before')
      expect(
        await db.transaction((transaction) => Promise.all([1, 2].map((id) => title(transaction, id)))),
      ).toEqual(['Before', 'Post 2'])
      await db.transaction(async (transaction) => {
        await title(transaction)
        await transaction.rollback()
      })
      expect(sent).toEqual([])
    })

    it('send BEGIN with the first one that is not cached, and cache its result', async () => {
      await db.transaction(async (transaction) => {
        await title(transaction)
        expect(sent).toEqual([])
        await Promise.all([title(transaction, 30), title(transaction, 31)])
        await title(transaction)
      })
      expect(sent.map((sql) => sql.slice(0, 6))).toEqual(['BEGIN;', 'select', 'select', 'COMMIT'])
      sent.splice(0)
      expect([await title(db, 30), await title(db, 31)]).toEqual(['Post 30', 'Post 31'])
      expect(sent).toEqual([])
    })

    it('see what their transaction wrote, and reads outside do not', async () => {
      const outside: string[] = []
      const found = await db.transaction(async (transaction) => {
        const before = await title(transaction)
        const [, during] = await Promise.all([write(transaction), title(transaction)])
        outside.push(await title(db))
        return [before, during, await title(transaction), await title(transaction, 2)]
      })
      expect(found).toEqual(['Before', 'After', 'After', 'Post 2'])
      expect(outside).toEqual(['Before'])
      expect(await title(db)).toBe('After')
    })

    it('see what a stream of their transaction is about to write', async () => {
      const found = await db.transaction(async (transaction) => {
        const change = transaction('posts').where({ id: 1 }).update({ title: 'After' }).returning('id')
        const streamed = change.stream((stream) => void stream.resume())
        const [after] = await Promise.all([title(transaction), streamed])
        return after
      })
      expect(found).toBe('After')
    })

    it('are not cached after a write that is rolled back', async () => {
      await db
        .transaction(async (transaction) => {
          await Promise.all([title(transaction, 4), write(transaction), title(transaction)])
          throw new Error('Roll back')
        })
        .catch(() => {})
      expect(await title(db)).toBe('Before')
    })

    it.each<[string, (transaction: Knex.Transaction) => Promise<unknown>]>([
      ['a write', (transaction) => write(transaction)],
      ['a lock of rows', async (transaction) => transaction('posts').where({ id: 2 }).forUpdate().first()],
      ['an advisory lock', async (transaction) => transaction.raw('SELECT pg_advisory_xact_lock(1)')],
      ['a setting', async (transaction) => transaction.raw(`SET LOCAL search_path = public`)],
      ['a harmless setting', async (transaction) => transaction.raw('SET LOCAL statement_timeout = 10000')],
      ['a nested transaction', (transaction) => transaction.transaction((nested) => title(nested, 2))],
      ['a stream', (transaction) => transaction('posts').stream((stream) => stream.resume())],
      ['a cursor', async (transaction) => transaction.raw('DECLARE c CURSOR FOR SELECT 1')],
    ])('are sent after %s', async (_, spoil) => {
      await db.transaction(async (transaction) => {
        await spoil(transaction)
        sent.splice(0)
        await title(transaction)
        expect(sent).toHaveLength(1)
      })
    })

    it('are served after other plain reads', async () => {
      await db.transaction(async (transaction) => {
        await transaction.raw('SELECT id FROM posts WHERE id = 2')
        await transaction('posts').count()
        sent.splice(0)
        await title(transaction)
        expect(sent).toEqual([])
      })
    })

    it('reject in an aborted transaction', async () => {
      const found = await db
        .transaction(async (transaction) => {
          await transaction.raw('SELECT 1 / 0').catch(() => {})
          return title(transaction)
        })
        .catch((error: { code?: string }) => error.code)
      expect(found).toBe('25P02')
    })

    it('reject when their transaction has ended', async () => {
      const transaction = await db.transaction()
      await title(transaction)
      await transaction.commit()
      await expect(title(transaction)).rejects.toThrow('already complete')
    })

    it('are answered in the order of their calls', async () => {
      const order: string[] = []
      const noted = (name: string, read: Promise<unknown>) => read.then(() => order.push(name))
      await db.transaction((transaction) =>
        Promise.all([
          noted('cached', title(transaction)),
          noted('slow', transaction.raw('SELECT count(*) FROM posts a, posts b, posts c, posts d')),
          noted('not cached', title(transaction, 32)),
          noted('cached 2', title(transaction, 2)),
        ]),
      )
      expect(order).toEqual(['cached', 'slow', 'not cached', 'cached 2'])
    })

    it('let parallel calls continue in the order of the connection', async () => {
      const order = async (from: Knex): Promise<readonly string[]> => {
        const ended: string[] = []
        // Two reads in a row, with some promises of the app in between.
        const chain = async (name: string, ids: readonly number[], promises: number) => {
          await title(from, ids[0])
          for (let at = 0; at < promises; at += 1) await undefined
          await title(from, ids[1])
          ended.push(name)
        }
        await Promise.all([chain('first', [1, 2], 20), chain('second', [2, 3], 0), chain('third', [3, 1], 5)])
        return ended
      }
      const expected = await stack.bareDb.transaction(order)
      expect(await db.transaction(order)).toEqual(expected)
      expect(sent).toEqual([])
    })

    it.each(['repeatable read', 'serializable'] as const)('are sent under %s', async (isolationLevel) => {
      await db.transaction((transaction) => title(transaction), { isolationLevel })
      expect(sent).toHaveLength(3)
    })

    it('are served under READ COMMITTED and READ ONLY', async () => {
      await db.transaction((transaction) => title(transaction), { isolationLevel: 'read committed' })
      await db.transaction((transaction) => title(transaction), { readOnly: true })
      expect(sent.filter((sql) => sql.startsWith('select'))).toEqual([])
    })

    it.each<[string, (transaction: Knex.Transaction) => unknown]>([
      ['of the transaction', (transaction) => transaction],
      ['of the instance', () => db],
      ['of the client', () => db.client],
    ])('are sent if a listener %s can change them', async (_, emitterOf) => {
      await db.transaction(async (transaction) => {
        const emitter = emitterOf(transaction) as NodeJS.EventEmitter
        const change = (builder: Knex.QueryBuilder) => void builder.where('id', '<', 0)
        emitter.on('start', change)
        try {
          expect(await title(transaction)).toBeUndefined()
        } finally {
          emitter.off('start', change)
        }
      })
    })

    it('notice statements that bypass Sluice, and send BEGIN before them', async () => {
      const change = `UPDATE posts SET title = 'After' WHERE id = 1`
      const found = await db
        .transaction(async (transaction) => {
          const connection: Connection = await transaction.client.acquireConnection()
          await connection.query(change)
          const found = await title(transaction)
          await transaction.rollback(new Error(found))
        })
        .catch(({ message }: Error) => message)
      expect(found).toBe('After')
      expect(sent.slice(0, 2)).toEqual(['BEGIN;', change])
      const [row] = await stack.bareDb('posts').where({ id: 1 }).select('title')
      expect(row.title).toBe('Before')
    })

    it('are not cached if a statement that bypasses Sluice is sent before them', async () => {
      const transaction = await db.transaction()
      const connection: Connection = await transaction.client.acquireConnection()
      const read = title(transaction, 33)
      await connection.query(`UPDATE posts SET title = 'After' WHERE id = 33`)
      expect(await read).toBe('After')
      await transaction.rollback()
      expect(await title(db, 33)).toBe('Post 33')
    })

    describe('when BEGIN fails', () => {
      let restore: (() => void) | undefined
      afterEach(() => restore?.())

      /** Lets the next BEGIN of a connection fail: the server cancels it. */
      const failBegin = (connection: Connection) => {
        const { query } = connection
        connection.query = (...args) => {
          const [sql, callback] = args
          return sql === 'BEGIN;'
            ? query.apply(connection, ['SELECT 1 / 0', callback])
            : query.apply(connection, args)
        }
        restore = () => {
          connection.query = query
        }
      }

      it('sends nothing that belongs to the transaction', async () => {
        const reasons: string[] = []
        for (const bypasses of [false, true]) {
          const outcome = await db
            .transaction(async (transaction) => {
              const connection: Connection = await transaction.client.acquireConnection()
              failBegin((connection as { base?: Connection }).base ?? connection)
              if (bypasses) await connection.query(`UPDATE posts SET title = 'After' WHERE id = 1`)
              else {
                const outcomes = await Promise.allSettled([write(transaction), write(transaction)])
                for (const { reason } of outcomes as PromiseRejectedResult[]) reasons.push(String(reason))
                throw new Error('Roll back')
              }
            })
            .catch((error: Error) => error)
          expect(outcome).toBeInstanceOf(Error)
          const [row] = await stack.bareDb('posts').where({ id: 1 }).select('title')
          expect(row.title).toBe('Before')
        }
        expect(reasons.map((reason) => reason.includes('division by zero'))).toEqual([true, true])
      })
    })
  })
})

describe.each(POSTGRES)('on $name with another isolation level', ({ dialect, client, skipped }) => {
  it.skipIf(skipped !== undefined)('reads of transactions are sent', async () => {
    const stack = await openStack(dialect, {
      client,
      definitions: `DO $$ BEGIN EXECUTE pg_catalog.format(
        'ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', pg_catalog.current_database()); END $$`,
    })
    const sent: string[] = []
    try {
      record(stack.db, sent)
      await stack.ready()
      for (let round = 0; round < 2; round += 1) {
        sent.splice(0)
        await stack.db.transaction((transaction) => transaction('countries').select('name').limit(1))
      }
      expect(sent.map((sql) => sql.slice(0, 6))).toEqual(['BEGIN;', 'select', 'COMMIT'])
    } finally {
      await stack.close()
    }
  })
})

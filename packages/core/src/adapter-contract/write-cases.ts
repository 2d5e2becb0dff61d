import { deepStrictEqual, strictEqual } from 'node:assert'
import type { ContractClient } from './contract-client.ts'
import { type Act, type Check, outcomeOf, type Skipped, type Trial } from './trial.ts'

class Abandoned extends Error {}

const abandon = async <T>(transaction: Promise<T>): Promise<void> => {
  const { error } = (await outcomeOf(() => transaction)) as { readonly error?: string }
  strictEqual(error, Abandoned.name)
}

/** Rows as other readers see them: the client with Sluice in a separate scope, and the database. */
async function seen(trial: Trial, act: Act): Promise<void> {
  const expected = await act(trial.plain)
  deepStrictEqual((await trial.inScope(act)).value, { value: expected }, 'what others read')
}

const post1: Act = (db) => db.byKey(1)
const post2: Act = (db) => db.byKey(2)
const cached = { cache: { ttl: 300 } } as const

/** Statements for reads that are cached: 0, or those of the read. */
async function queriesOf(trial: Trial, act: Act): Promise<number> {
  return (await trial.inScope(act)).sent
}

/** Reads, so that the next read is served from the cache. */
async function warm(trial: Trial, ...acts: readonly Act[]): Promise<void> {
  for (const act of acts) {
    await trial.inScope(act)
    strictEqual(await queriesOf(trial, act), 0, 'statements for a read that is cached')
  }
}

const author3: Act = (db) => db.authorByKey(3)

/** Transactions, with the cache on. */
export const TRANSACTION_CASES: Readonly<Record<string, Check>> = {
  'reads its own writes, which others see at COMMIT': async (trial) => {
    await warm(trial, post1, author3)
    await trial.sluice.run(() =>
      trial.db.transaction(async (transaction) => {
        await transaction.update(1, 'in a transaction')
        const own = await transaction.byKey(1)
        deepStrictEqual(JSON.stringify(own).includes('in a transaction'), true)
        // Others read the old row: from the cache, or from the database.
        await seen(trial, post1)
      }),
    )
    await seen(trial, post1)
    // A transaction on posts must not invalidate authors.
    strictEqual(
      await queriesOf(trial, author3),
      0,
      'statements for a row of a table that the transaction did not modify',
    )
  },
  'batches nothing in a transaction': async (trial) => {
    const { sent } = await trial.inScope((db) =>
      db.transaction((transaction) => Promise.all([1, 2, 3].map((id) => transaction.byKey(id)))),
    )
    const before = trial.plain.sent()
    await trial.plain.transaction((transaction) => Promise.all([1, 2, 3].map((id) => transaction.byKey(id))))
    strictEqual(sent, trial.plain.sent() - before, 'statements, as without Sluice')
  },
  'neither caches nor invalidates for a transaction that rolls back': async (trial) => {
    await warm(trial, post1, post2, author3)
    await trial.sluice.run(() =>
      abandon(
        trial.db.transaction(async (transaction) => {
          await transaction.update(1, 'rolled back')
          await transaction.byKey(1)
          throw new Abandoned()
        }),
      ),
    )
    strictEqual(await queriesOf(trial, post1), 0, 'statements for a row whose write was rolled back')
    await seen(trial, post1)
    strictEqual(await queriesOf(trial, author3), 0)
    strictEqual(await queriesOf(trial, post2), 0, 'statements for a row that the transaction did not modify')
  },
  'caches nothing of a savepoint that rolls back, and sees the rest': async (trial) => {
    let isOffered = true
    await warm(trial, post1, post2)
    await trial.sluice.run(() =>
      trial.db.transaction(async (transaction) => {
        await transaction.update(1, 'kept')
        if (transaction.nested === undefined) {
          isOffered = false
          return
        }
        await abandon(
          transaction.nested(async (inner) => {
            await inner.update(2, 'rolled back')
            throw new Abandoned()
          }),
        )
      }),
    )
    await seen(trial, post1)
    await seen(trial, post2)
    return isOffered ? undefined : 'nested is not offered'
  },
  'sees writes of a released savepoint': async (trial) => {
    let isOffered = true
    await warm(trial, post2)
    await trial.sluice.run(() =>
      trial.db.transaction(async (transaction) => {
        isOffered = transaction.nested !== undefined
        await transaction.nested?.((inner) => inner.update(2, 'released'))
      }),
    )
    await seen(trial, post2)
    return isOffered ? undefined : 'nested is not offered'
  },
  'continues after an ignored error in a transaction': async (trial) => {
    let isOffered = true
    await warm(trial, post1)
    const act = (client: ContractClient) =>
      outcomeOf(() =>
        client.transaction(async (transaction) => {
          await transaction.update(1, 'before the error')
          isOffered = transaction.fail !== undefined
          await transaction.fail?.()
        }),
      )
    await trial.sluice.run(() => act(trial.db))
    await seen(trial, post1)
    return isOffered ? undefined : 'fail is not offered'
  },
}

/** Runs raw SQL after the reads of posts were cached. */
async function executed(trial: Trial, sql: string, check: () => Promise<void>): Promise<Skipped> {
  if (trial.db.execute === undefined) return 'execute is not offered'
  await warm(trial, post1, (db) => db.list())
  await trial.db.execute(sql)
  return check()
}

/** Cached results, and the writes that invalidate them. */
export const CACHE_CASES: Readonly<Record<string, Check>> = {
  'invalidates by row': async (trial) => {
    await warm(trial, post1, post2)
    await trial.db.update(2, 'new')
    strictEqual(await queriesOf(trial, post1), 0, 'statements for a row that was not written')
    await seen(trial, post2)
  },
  'invalidates by table': async (trial) => {
    const list: Act = (db) => db.list()
    await warm(trial, list)
    await trial.db.insert({ id: 500, authorId: 1, slug: 'post-500', title: 'new', views: 1 })
    await seen(trial, list)
    await warm(trial, list)
    await trial.db.remove(500)
    await seen(trial, list)
  },
  'sees writes of raw SQL': (trial) =>
    executed(trial, "update posts set title = 'by raw SQL' where id = 1", async () => {
      await seen(trial, post1)
    }),
  'sees deletes of a cascade': (trial) =>
    executed(trial, 'delete from authors where id = 2', async () => {
      await seen(trial, post1)
      await seen(trial, (db) => db.list())
    }),
  'sees writes after DDL': async (trial) => {
    const skipped = await executed(trial, 'create index contract_views on posts (views)', () =>
      seen(trial, post1),
    )
    if (skipped !== undefined) return skipped
    try {
      await trial.ready()
      await warm(trial, post1)
      await trial.db.update(1, 'after DDL')
      await seen(trial, post1)
    } finally {
      await trial.plain.execute?.(trial.harness.dropIndex('contract_views', 'posts'))
    }
    return undefined
  },
  'sees a row that was missing': async (trial) => {
    const act: Act = (db) => db.byKey(501)
    await trial.inScope(act)
    await trial.inScope(act)
    await trial.db.insert({ id: 501, authorId: 1, slug: 'post-501', title: 'new', views: 1 })
    await seen(trial, act)
  },
  'sees the writes of another client of the same Sluice': async (trial) => {
    const other = await trial.harness.open(trial.sluice)
    try {
      await warm(trial, post1)
      await other.update(1, 'by another client')
      await seen(trial, post1)
    } finally {
      await other.close()
    }
  },
  'returns cached objects that callers can modify': async (trial) => {
    await warm(trial, post1)
    const { value } = (await trial.inScope(post1)).value as { readonly value: Record<string, unknown> }
    const row = (Array.isArray(value) ? value[0] : value) as Record<string, unknown>
    for (const name of Object.keys(row)) row[name] = 'changed'
    await seen(trial, post1)
  },
}

export { cached }

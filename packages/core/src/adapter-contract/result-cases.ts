import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert'
import type { ContractClient } from './contract-client.ts'
import { type Act, type Check, ids } from './trial.ts'

/** `batched`: one statement. */
const batched =
  (act: Act): Check =>
  async (trial) =>
    void (await trial.same(act, { queries: 1 }))

const offered =
  (method: keyof ContractClient, check: Check): Check =>
  async (trial) =>
    trial.db[method] === undefined ? `${method} is not offered` : check(trial)

/** Batched lookups return the results of individual ones. */
export const RESULT_CASES: Readonly<Record<string, Check>> = {
  'batches lookups by primary key': batched((db) => Promise.all(ids(20).map((id) => db.byKey(id)))),
  'batches lookups with a limit of one row': offered(
    'firstByKey',
    batched((db) => Promise.all(ids(20).map((id) => db.firstByKey?.(id)))),
  ),
  'batches lookups by foreign key, in their order and without the key': batched((db) =>
    Promise.all(ids(9).map((id) => db.byForeignKey(id))),
  ),
  'batches lookups by a key of two columns': offered(
    'byCompositeKey',
    batched((db) =>
      Promise.all(
        ids(12).flatMap((id) => [1, 2].map((nth) => db.byCompositeKey?.(`o${((id + nth) % 3) + 1}`, id))),
      ),
    ),
  ),
  // Authors 10 to 12 have no posts.
  'batches aggregates by key, with their results for keys without rows': offered(
    'totals',
    batched((db) => Promise.all(ids(12).map((id) => db.totals?.(id)))),
  ),
  'returns aggregates if no key has rows': offered(
    'totals',
    async (trial) =>
      void (await trial.same((db) => Promise.all([10, 11, 12, 99_999].map((id) => db.totals?.(id))), {
        // A batch that shows no result for such keys, and the individual queries.
        most: 5,
      })),
  ),
  'batches queries for existence': offered(
    'exists',
    batched((db) => Promise.all(ids(12).map((id) => db.exists?.(id)))),
  ),
  'batches the first rows of each key': offered(
    'latest',
    batched((db) => Promise.all(ids(12).map((id) => db.latest?.(id, 2)))),
  ),
  'keeps different limits apart': offered(
    'latest',
    async (trial) =>
      void (await trial.same(
        (db) => Promise.all(ids(6).map((id) => db.latest?.((id % 3) + 1, (id % 2) + 1))),
        { most: 2 },
      )),
  ),
  'runs queries for tied first rows individually': offered('oldest', async (trial) => {
    const act: Act = (db) => Promise.all(ids(12).map((id) => db.oldest?.(id)))
    await trial.same(act, { most: 10 })
    await trial.same(act, { asPlain: true })
  }),
  'batches rows that are joined to one row': offered(
    'joinedByKey',
    batched((db) => Promise.all([...ids(12), 99_999].map((id) => db.joinedByKey?.(id)))),
  ),
  'returns nothing for a missing key': batched((db) => Promise.all([1, 99_999, 2].map((id) => db.byKey(id)))),
  'batches lookups by string': batched((db) =>
    Promise.all(['a1@example.org', 'nobody', 'a2@example.org'].map((text) => db.byUniqueText(text))),
  ),
  'returns separate objects to two lookups with one key': async (trial) => {
    const act: Act = (db) => Promise.all([db.byKey(3), db.byKey(3), db.byKey(4)])
    const { value } = await trial.same(act, { queries: 1 })
    const [one, other] = (value as { readonly value: readonly unknown[] }).value
    notStrictEqual(one, other)
    const before = structuredClone(other)
    for (const name of Object.keys(one as object)) (one as Record<string, unknown>)[name] = 'changed'
    deepStrictEqual(structuredClone(other), before)
  },
  'keeps lookups with one key and different constants apart': async (trial) => {
    await trial.same(
      (db) =>
        Promise.all(
          [
            [3, 1],
            [3, 8],
            [4, 1],
          ].map(([id = 0, above = 0]) => db.byForeignKeyAbove(id, above)),
        ),
      { most: 2 },
    )
  },
  'batches more keys than one statement binds': async (trial) => {
    await trial.same((db) => Promise.all(ids(1500).map((id) => db.byKey(id))), { most: 20 })
  },
  'batches prepared queries': offered(
    'prepared',
    batched((db) => Promise.all(ids(5).map((id) => db.prepared?.(id)))),
  ),
  'rejects like the ORM': async (trial) => {
    await trial.same((db) => db.insert({ id: 1, authorId: 1, slug: 'post-1', title: 'twice', views: 0 }), {
      asPlain: true,
    })
  },
}

const three =
  (query: (client: ContractClient, id: number) => Promise<unknown> | undefined): Act =>
  (db) =>
    Promise.all([1, 2, 3].map((id) => query(db, id)))
const leftAlone =
  (act: Act): Check =>
  async (trial) =>
    void (await trial.same(act, { asPlain: true }))
const never =
  (act: Act): Check =>
  async (trial) =>
    void (await trial.same(act, { most: 3 }))

/** Reads that batching could make wrong. */
export const UNCHANGED_CASES: Readonly<Record<string, Check>> = {
  'passes raw SQL through': offered(
    'raw',
    async (trial) =>
      void (await trial.same(
        three((db, id) => db.raw?.(id)),
        { most: 3 },
      )),
  ),
  'returns counts': offered('count', never(three((db, id) => db.count?.(id)))),
  'returns pages': offered('page', never(three((db, id) => db.page?.(id, 1)))),
  'returns joined rows': offered(
    'joined',
    async (trial) =>
      void (await trial.same(
        three((db, id) => db.joined?.(id)),
        { most: 6 },
      )),
  ),
  'takes locks': offered(
    'locked',
    leftAlone((db) =>
      db.transaction(async (transaction) => [await transaction.locked?.(1), await transaction.locked?.(2)]),
    ),
  ),
  'reads streams': offered('stream', leftAlone(three((db, id) => db.stream?.(id)))),
}

/** Lookups that follow one another. */
export const LOOP_CASES: Readonly<Record<string, Check>> = {
  'prefetches for a loop after its listing': async (trial) => {
    const loop: Act = async (db) => {
      const authors: unknown[] = []
      for (const { authorId } of await db.list()) authors.push(await db.authorByKey(authorId))
      return authors
    }
    await trial.same(loop, { most: 5 })
    await trial.same(loop, { most: 2 })
  },
  'sees a write within a loop': async (trial) => {
    const loop: Act = async (db) => {
      const titles: unknown[] = []
      for (const { id } of (await db.list()).slice(0, 12)) {
        if (id === 4) await db.update(8, 'within the loop')
        titles.push(await db.byKey(id))
      }
      await db.update(8, 'Post 8')
      return titles
    }
    for (let round = 0; round < 2; round++) await trial.same(loop, { most: 'plain' })
  },
  'sends no more for a loop that stops early': async (trial) => {
    const loop: Act = async (db) => {
      for (const { authorId } of await db.list()) return db.authorByKey(authorId)
      return undefined
    }
    for (let round = 0; round < 3; round++) await trial.same(loop, { asPlain: true })
  },
  'shares nothing between scopes': async (trial) => {
    const [plain, own] = [trial.plain.sent(), trial.db.sent()]
    await Promise.all([1, 2, 3].map((id) => trial.plain.byKey(id)))
    await Promise.all([1, 2, 3].map((id) => trial.inScope((db) => db.byKey(id))))
    strictEqual(trial.db.sent() - own, trial.plain.sent() - plain, 'statements, as without Sluice')
  },
}

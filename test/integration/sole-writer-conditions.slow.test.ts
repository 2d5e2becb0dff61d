import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SOON, TEST_MS } from '../support/patience.ts'
import { type SeparateServer, separateServers } from '../support/separate-servers.ts'

/** Long enough for several polls. */
const WHILE_MS = 4_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

// Writes of other tests on a shared server would end each chain of proofs.
describe.each(separateServers())('results beyond their time to live on $name', (kind) => {
  describe.skipIf(kind.skipped !== undefined)('with a server of its own', () => {
    let server: SeparateServer
    let bare: Knex
    const closing: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      server = await kind.start()
      bare = knex(server.knexConfig())
      for (const name of ['read', 'written', 'truncated']) {
        await bare.schema.createTable(name, (table) => {
          table.integer('id').primary()
          table.integer('v')
        })
        await bare(name).insert([1, 2, 3].map((id) => ({ id, v: 0 })))
      }
    }, TEST_MS)

    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    afterAll(async () => {
      await bare?.destroy()
      await server?.stop()
    })

    function open(cache: SluiceOptions['cache'] = {}): { readonly sluice: Sluice; readonly db: Knex } {
      const sluice = createSluice({ mode: 'optimize', cache })
      const errors: unknown[] = []
      sluice.on('error', (error) => errors.push(error))
      const db = withSluice(knex(server.knexConfig()), sluice)
      closing.push(async () => {
        await db.destroy()
        await sluice.close()
        expect(errors).toEqual([])
      })
      return { sluice, db }
    }

    const extendedHits = (sluice: Sluice) => sluice.getResultStats()?.extendedHits ?? 0

    /** Reads until `isOver`, while `write` runs in a loop. */
    async function readWhile(
      { sluice, db }: { readonly sluice: Sluice; readonly db: Knex },
      write: () => Promise<unknown>,
      isOver: () => boolean,
    ): Promise<void> {
      let isDone = false
      const writing = (async () => {
        while (!isDone) {
          await write()
          await sleep(20)
        }
      })()
      try {
        const until = performance.now() + SOON.timeout
        while (!isOver() && performance.now() < until) {
          const row = await sluice.run(() => db('read').where({ id: 1 }).first(), { name: 'read' })
          expect(row).toEqual({ id: 1, v: 0 })
          await sleep(10)
        }
      } finally {
        isDone = true
        await writing
      }
    }

    const forAWhile = () => {
      const until = performance.now() + WHILE_MS
      return () => performance.now() > until
    }

    const update = (on: Knex, id = 1) =>
      on('written')
        .where({ id })
        .update({ v: on.raw('v + 1') })

    const own: [string, (db: Knex) => Promise<unknown>][] = [
      ['nothing', () => sleep(1)],
      ['updates', (db) => update(db)],
      [
        'inserts and deletes',
        async (db) => {
          await db('written').insert({ id: 9, v: 0 })
          await db('written').where({ id: 9 }).delete()
        },
      ],
      [
        'transactions',
        (db) =>
          db.transaction(async (transaction) => {
            await update(transaction as unknown as Knex, 1)
            await update(transaction as unknown as Knex, 2)
          }),
      ],
    ]

    // Whether a rolled-back transaction raises the counter of MariaDB once or twice depends on its version.
    if (kind.dialect === 'postgresql')
      own.push([
        'transactions that are rolled back',
        (db) =>
          db
            .transaction(async (transaction) => {
              await update(transaction as unknown as Knex, 1)
              throw new Error('Roll back')
            })
            .catch(() => {}),
      ])

    it.each(own)('are served while this process alone sends %s', async (_, write) => {
      const opened = open()
      await readWhile(
        opened,
        () => write(opened.db),
        () => extendedHits(opened.sluice) > 20,
      )
      expect(extendedHits(opened.sluice)).toBeGreaterThan(20)
    })

    const foreign: [string, (db: Knex) => Promise<unknown>, SluiceOptions['cache']?][] = [
      ['another client writes', () => update(bare)],
      ['another client truncates a table', () => bare('truncated').truncate()],
      ['both write', (db) => Promise.all([update(bare, 1), update(db, 2)])],
      ['the app set a time to live', () => sleep(1), { ttl: 1 }],
      [
        'the app begins transactions that its ORM does not know',
        async (db) => {
          await db.raw('BEGIN').catch(() => {})
          await db.raw('COMMIT').catch(() => {})
        },
      ],
    ]

    it.each(foreign)('are never served while %s', async (name, write, cache) => {
      const opened = open(cache)
      await readWhile(opened, () => write(opened.db), forAWhile())
      // On PostgreSQL, a TRUNCATE changes the schema that Sluice sees: on a slow machine, nothing is cached.
      const least = name.includes('truncates') ? 0 : 1
      expect(opened.sluice.getResultStats()?.hits).toBeGreaterThanOrEqual(least)
      expect(extendedHits(opened.sluice)).toBe(0)
    })

    it('are never served while a second Sluice of this process writes', async () => {
      const [opened, other] = [open(), open()]
      await readWhile(opened, () => update(other.db), forAWhile())
      expect(extendedHits(opened.sluice)).toBe(0)
    })

    it('are never served beyond a time to live that the app set for a read or a table', async () => {
      const opened = open({ models: { read: { ttl: 1 } } })
      await readWhile(opened, () => sleep(1), forAWhile())
      expect(extendedHits(opened.sluice)).toBe(0)
    })

    it.runIf(kind.dialect === 'postgresql')(
      'are never served while a transaction is in progress that is older than others',
      async () => {
        const opened = open()
        const old = await bare.transaction()
        await update(old as unknown as Knex, 3)
        try {
          await readWhile(opened, () => update(opened.db), forAWhile())
          expect(extendedHits(opened.sluice)).toBe(0)
        } finally {
          await old.commit()
        }
      },
    )

    it.runIf(kind.dialect === 'mysql')(
      'are never served if the database has a table of another engine',
      async () => {
        await bare.raw('CREATE TABLE uncounted (id int PRIMARY KEY, v int) ENGINE = MyISAM')
        try {
          const opened = open()
          await readWhile(opened, () => sleep(1), forAWhile())
          expect(extendedHits(opened.sluice)).toBe(0)
        } finally {
          await bare.schema.dropTable('uncounted')
        }
      },
    )
  })
})

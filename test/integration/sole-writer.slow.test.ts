import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'
import { Random } from '../support/random.ts'
import { separateServers } from '../support/separate-servers.ts'

const SECONDS = Number(process.env.SLUICE_TEST_SECONDS ?? 20)
/** Rows that are read. This process mostly writes others, so that results outlive their time to live. */
const ROWS = 6
const WRITTEN_ROWS = 40
const TTL_MS = 1_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A value of a row that another client has committed, and when that was acknowledged. */
interface Foreign {
  readonly value: number
  readonly at: number
}

/** A read that did not show a foreign value that was acknowledged before it began. */
interface Missed {
  readonly ageMs: number
}

/**
 * Another client writes at random, with silences that are longer than the time to live, and sometimes in long
 * transactions. This process writes at random, too. Each read must show all of its own writes, and foreign
 * ones within the time to live: a cached result counts its age from the end of its query, so that the longest
 * read is added.
 */
describe.each(separateServers())('the proof that no other process writes to $name', (kind) => {
  const closing: (() => Promise<unknown>)[] = []

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  it.skipIf(kind.skipped !== undefined)(
    'never hides a write',
    async () => {
      const server = await kind.start()
      closing.push(() => server.stop())
      const random = new Random(Number(process.env.SLUICE_TEST_SEED ?? Date.now()))
      const open = () => {
        const client = knex(server.knexConfig())
        closing.push(() => client.destroy())
        return client
      }
      const alien = open()
      await alien.schema.createTable('attacked', (table) => {
        table.integer('id').primary()
        table.integer('own')
        table.integer('alien')
      })
      await alien('attacked').insert(
        Array.from({ length: WRITTEN_ROWS }, (_, id) => ({ id, own: 0, alien: 0 })),
      )
      const sluice = createSluice({ mode: 'optimize' })
      const errors: unknown[] = []
      sluice.on('error', (error) => errors.push(error))
      closing.push(() => sluice.close())
      const db = withSluice(open(), sluice)

      const own = Array.from({ length: WRITTEN_ROWS }, () => 0)
      const writing = new Set<number>()
      const foreign: Foreign[][] = Array.from({ length: ROWS }, () => [{ value: 0, at: 0 }])
      const missed: Missed[] = []
      const count = { reads: 0, ownWrites: 0, foreignWrites: 0, staleOwn: 0 }
      let [longestMs, isOver] = [0, false]

      const set = (on: Knex, id: number, values: object) => on('attacked').where({ id }).update(values)
      const programs: readonly ((id: number, next: number) => Promise<boolean>)[] = [
        async (id, next) => (await set(db, id, { own: next })) === 1,
        (id, next) =>
          db.transaction(async (of) => {
            await set(of, id, { own: -next })
            await sleep(random.below(60))
            await set(of, id, { own: next })
            return true
          }),
        (id, next) =>
          db.transaction(async (of) => {
            await of('attacked').where({ id }).first()
            await set(of, id, { own: next })
            return true
          }),
        async (_, next) => {
          await db('attacked').insert({ id: 500, own: next, alien: 0 })
          await db('attacked').where({ id: 500 }).delete()
          return false
        },
      ]
      // The counter rises by more than they certainly raise it, so they end the chain of proofs.
      const rare: typeof programs = [
        async () => (await set(db, 1_000, { own: 1 })) === 1,
        async (id) => (await set(db, id, { own: db.ref('own') })) === -1,
        (id, next) =>
          db
            .transaction(async (of) => {
              await set(of, id, { own: -next })
              throw new Error('Roll back')
            })
            .catch(() => false),
        (id, next) =>
          db.transaction((of) =>
            of.transaction(async (inner) => {
              await set(inner, id, { own: next })
              return true
            }),
          ),
      ]

      async function writeAtRandom(): Promise<void> {
        while (!isOver) {
          await sleep(random.below(300))
          const id = random.below(WRITTEN_ROWS)
          const next = (own[id] ?? 0) + 1
          writing.add(id)
          const program = random.pick(random.chance(0.04) ? rare : programs)
          // MariaDB rejects a transaction whose row another client has changed since it began.
          if (await program(id, next).catch(() => false)) own[id] = next
          writing.delete(id)
          count.ownWrites += 1
        }
      }

      async function writeElsewhere(): Promise<void> {
        while (!isOver) {
          await sleep(random.chance(0.25) ? random.below(300) : 1_500 + random.below(3_500))
          const id = random.below(ROWS)
          const value = (foreign[id]?.at(-1)?.value ?? 0) + 1
          const trx = await alien.transaction()
          try {
            await set(trx, id, { alien: value })
            if (random.chance(0.33)) await sleep(random.below(2_500))
            await trx.commit()
          } catch {
            // A transaction of this process holds the lock of SQLite.
            await trx.rollback()
            continue
          }
          foreign[id]?.push({ value, at: performance.now() })
          count.foreignWrites += 1
        }
      }

      async function readAtRandom(): Promise<void> {
        while (!isOver) {
          const id = random.below(ROWS)
          const [known, wasWriting, at] = [own[id] ?? 0, writing.has(id), performance.now()]
          const row = await sluice.run(() => db('attacked').where({ id }).first(), { name: 'read' })
          longestMs = Math.max(longestMs, performance.now() - at)
          count.reads += 1
          if (!wasWriting && !writing.has(id) && row.own < known) count.staleOwn += 1
          const hidden = foreign[id]?.find((write) => write.value > row.alien && write.at < at)
          if (hidden !== undefined) missed.push({ ageMs: at - hidden.at })
          await sleep(random.below(12))
        }
      }

      const running = [writeAtRandom(), writeElsewhere(), readAtRandom(), readAtRandom()]
      await sleep(SECONDS * 1_000)
      isOver = true
      await Promise.all(running)
      const extended = sluice.getResultStats()?.extendedHits ?? 0

      const oldestMs = Math.max(0, ...missed.map(({ ageMs }) => ageMs))
      const figures = { ...count, extended, oldestMs, longestMs }
      console.log(kind.name, JSON.stringify(figures))
      expect(errors).toEqual([])
      expect(count.staleOwn).toBe(0)
      expect(missed.filter(({ ageMs }) => ageMs >= TTL_MS + longestMs)).toEqual([])
      // How many depends on when the other process writes.
      expect(extended).toBeGreaterThan(0)
    },
    TEST_MS + 2_000 * SECONDS,
  )
})

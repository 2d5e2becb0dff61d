import { randomBytes } from 'node:crypto'
import { AsyncBatchProcessingEngine, type EnqueueOptions, type Finding, type JobsOptions } from '@sluice/core'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectPostgres } from '../../contracts/jobs/postgres-world.ts'
import { catalogsRead } from '../../support/catalog-read.ts'
import { databases } from '../../support/databases.ts'
import { NEVER_MS, SOON } from '../../support/patience.ts'
import { openStack, type Stack, seed } from '../../support/stack.ts'

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

/** A transaction of the app, and a function that writes a tag in it. */
type Transacted = (
  work: (transaction: unknown, addTag: (id: number) => Promise<unknown>) => Promise<unknown>,
) => Promise<unknown>

describe.skipIf(postgres?.skipped !== undefined)(
  'tasks added in transactions of the app on PostgreSQL',
  () => {
    let stack: Stack
    let url: string
    let pool: pg.Pool
    let engines: AsyncBatchProcessingEngine[] = []
    let jobs: AsyncBatchProcessingEngine
    let queue: string
    let lastTag = 1_000

    beforeAll(async () => {
      stack = await openStack('postgresql')
      url = stack.database.url ?? ''
      pool = new pg.Pool({ connectionString: url, max: 3 })
      await seed(stack.bare)
      await open().getProcessingStats()
      // The engine created its tables: after a definition, each catalog is read again.
      await stack.db.raw('create table noticed (id int)')
      await catalogsRead(stack.sluice)
      await stack.ready()
    })
    afterAll(async () => {
      await pool?.end()
      await stack?.close()
    })
    beforeEach(() => {
      queue = `q-${randomBytes(6).toString('hex')}`
      lastTag += 10
      jobs = open()
      jobs.createQueue(queue)
    })
    afterEach(async () => {
      await Promise.all(engines.map((engine) => engine.close()))
      engines = []
    })

    function open(options: JobsOptions = {}): AsyncBatchProcessingEngine {
      const engine = new AsyncBatchProcessingEngine({ backend: connectPostgres(url), ...options })
      engines.push(engine)
      return engine
    }

    const waiting = async () => (await jobs.getProcessingStats(queue)).queued
    const hasTag = async (id: number) => (await stack.bare.tag.findUnique({ where: { id } })) !== null
    const enqueue = (transaction: unknown, options: EnqueueOptions = {}, data: unknown = 1) =>
      jobs.enqueueTask(data, 'normal', queue, { transaction, ...options })

    const kinds: readonly (readonly [name: string, transacted: Transacted])[] = [
      [
        'Knex',
        (work) =>
          stack.bareDb.transaction((trx) =>
            work(trx, async (id) => await trx('Tag').insert({ id, label: `t${id}` })),
          ),
      ],
      [
        'Knex with Sluice',
        (work) =>
          stack.db.transaction((trx) =>
            work(trx, async (id) => await trx('Tag').insert({ id, label: `t${id}` })),
          ),
      ],
      [
        'Prisma',
        (work) =>
          stack.bare.$transaction((tx) => work(tx, (id) => tx.tag.create({ data: { id, label: `t${id}` } }))),
      ],
      [
        'Prisma with Sluice',
        (work) =>
          stack.prisma.$transaction((tx) =>
            work(tx, (id) => tx.tag.create({ data: { id, label: `t${id}` } })),
          ),
      ],
      [
        'pg',
        async (work) => {
          const client = await pool.connect()
          try {
            await client.query('BEGIN')
            await work(client, (id) =>
              client.query('INSERT INTO "Tag" (id, label) VALUES ($1, $2)', [id, `t${id}`]),
            )
            await client.query('COMMIT')
          } catch (error) {
            await client.query('ROLLBACK')
            throw error
          } finally {
            client.release()
          }
        },
      ],
    ]

    describe.each(kinds)('%s', (_name, transacted) => {
      it('adds the task on commit, and not before', async () => {
        await transacted(async (transaction, addTag) => {
          const task = await enqueue(transaction)
          expect(task).toMatchObject({ status: 'queued', data: 1 })
          await addTag(lastTag)
          expect(await waiting()).toBe(0)
        })
        expect(await waiting()).toBe(1)
        expect(await hasTag(lastTag)).toBe(true)
      })

      it('notifies other processes on commit', async () => {
        // It would poll only after a minute.
        const worker = open({ pollMs: NEVER_MS })
        const seen: unknown[] = []
        worker.registerProcessor<unknown>(queue, (data) => void seen.push(data))
        worker.start()
        await jobs.enqueueTask('first', 'normal', queue)
        await expect.poll(() => seen, SOON).toEqual(['first'])
        await transacted((transaction) => enqueue(transaction, {}, 'second'))
        await expect.poll(() => seen, SOON).toEqual(['first', 'second'])
      })

      it('adds no task on rollback', async () => {
        const transaction = transacted(async (tx, addTag) => {
          await enqueue(tx)
          await addTag(lastTag)
          throw new Error('no')
        })
        await expect(transaction).rejects.toThrow('no')
        expect([await waiting(), await hasTag(lastTag)]).toEqual([0, false])
      })

      it('continues after a duplicate key', async () => {
        const known = await jobs.enqueueTask({ a: 1 }, 'normal', queue, { uniqueKey: 'k' })
        await transacted(async (transaction, addTag) => {
          expect(await enqueue(transaction, { uniqueKey: 'k' })).toMatchObject({
            id: known.id,
            isDuplicate: true,
            data: { a: 1 },
          })
          const own = await enqueue(transaction, { uniqueKey: 'own' })
          expect(own.isDuplicate).toBeUndefined()
          expect(await enqueue(transaction, { uniqueKey: 'own' })).toMatchObject({
            id: own.id,
            isDuplicate: true,
          })
          await addTag(lastTag)
        })
        expect([await waiting(), await hasTag(lastTag)]).toEqual([2, true])
      })

      it('accepts any JSON data', async () => {
        const data = { text: 'ü \u0000 ? $1 :name \\ \' "', list: [1, null, { deep: [true] }] }
        const worker = open()
        const seen: unknown[] = []
        worker.registerProcessor<unknown>(queue, (given) => void seen.push(given))
        worker.start()
        await transacted((transaction) =>
          enqueue(transaction, { uniqueKey: 'a\u0000b', runAs: '\u0000' }, data),
        )
        await expect.poll(() => seen, SOON).toEqual([data])
      })

      it('makes a duplicate wait for the end of the first transaction', async () => {
        for (const isCommitted of [true, false]) {
          const uniqueKey = `k${isCommitted}`
          let first = ''
          let other: Promise<unknown> | undefined
          let isAnswered = false
          const transaction = transacted(async (tx) => {
            first = (await enqueue(tx, { uniqueKey })).id
            other = jobs.enqueueTask(2, 'normal', queue, { uniqueKey }).then((task) => {
              isAnswered = true
              return task
            })
            await expect
              .poll(
                () =>
                  stack.database.query(
                    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
                  ),
                SOON,
              )
              .not.toEqual([])
            expect(isAnswered).toBe(false)
            if (!isCommitted) throw new Error('no')
          })
          if (isCommitted) await transaction
          else await expect(transaction).rejects.toThrow('no')
          const task = await other
          if (isCommitted) expect(task).toMatchObject({ id: first, isDuplicate: true })
          else expect(task).not.toHaveProperty('isDuplicate')
        }
      })
    })

    it('rejects a value that is not a transaction', async () => {
      const things = [stack.bareDb, stack.db, stack.bare, stack.prisma, pool, {}, null, 'tx', 1, { query: 1 }]
      for (const thing of things) {
        await expect(enqueue(thing), String(thing)).rejects.toMatchObject({
          code: 'SLUICE_INVALID_ARGUMENT',
          argument: 'options.transaction',
        })
      }
      expect(await waiting()).toBe(0)
    })

    describe('with Sluice', () => {
      const instrumented = kinds.filter(([name]) => name.endsWith('Sluice'))

      it.each(instrumented)(
        '%s keeps cached results of other tables, and invalidates those it modified',
        async (_name, transacted) => {
          const reads = [
            () => stack.prisma.tag.findMany({ orderBy: { id: 'asc' } }),
            async () => await stack.db('Tag').select('id').orderBy('id'),
          ]
          for (const read of reads) {
            await read()
            await read()
            stack.taken()
            await read()
            expect(stack.taken(), 'the read was not kept').toEqual([])
            await transacted((transaction) => enqueue(transaction))
            stack.taken()
            await read()
            expect(stack.taken(), 'the enqueueing dropped what was kept').toEqual([])
          }
          await transacted(async (transaction, addTag) => {
            await enqueue(transaction)
            await addTag(lastTag)
            await enqueue(transaction)
          })
          for (const read of reads)
            expect((await read()).map(({ id }: { id: number }) => id)).toContain(lastTag)
        },
      )

      it.each(instrumented)('%s causes no findings with many tasks', async (_name, transacted) => {
        const findings: Finding[] = []
        const stop = stack.sluice.on('finding', (finding) => findings.push(finding))
        const { errors } = stack.sluice.queries.getStats()
        await stack.sluice.run(() =>
          transacted(async (transaction) => {
            for (let at = 0; at < 20; at += 1) await enqueue(transaction, { uniqueKey: `k${at % 15}` })
          }),
        )
        stop()
        expect(findings).toEqual([])
        expect(stack.sluice.queries.getStats().errors).toBe(errors)
        expect(stack.sluice.database?.exportWorkload()).not.toContain('job_tasks')
        expect(await waiting()).toBe(15)
      })
    })
  },
)

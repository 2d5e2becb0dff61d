import { createSluice, type Sluice } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { type KnexOptions, withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { asRoot } from '../services/mariadb-pair.ts'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { replicaPairs } from '../support/replica-pairs.ts'
import { warningsOf } from '../support/warnings.ts'

const kind = replicaPairs().find(({ name }) => name === 'MariaDB')
if (kind === undefined) throw new Error('There is no MariaDB among the pairs.')

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(kind.skipped !== undefined)('replicas of MariaDB', () => {
  let pair: ReplicaPair
  let replica: PairReplica
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    pair = await kind.start()
    ;[replica] = pair.replicas as [PairReplica]
    await kind.on(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
    await kind.on(pair.primary, 'INSERT INTO counters SELECT seq, 0 FROM seq_1_to_50')
    await kind.on(pair.primary, 'CREATE SEQUENCE numbers')
    await kind.caughtUp(pair, replica)
  }, TEST_MS)

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  afterAll(() => pair?.stop())

  interface Opened {
    readonly sluice: Sluice
    readonly db: Knex
    stats(): ReplicaRoutingStats
  }

  function open(
    settings: {
      readonly primary?: string
      readonly session?: () => string
      readonly options?: KnexOptions
    } = {},
  ): Opened {
    const { primary = pair.primary, session = () => 'SELECT 1', options = {} } = settings
    const afterCreate = (
      connection: { query(sql: string, done: (error: unknown) => void): void },
      done: (error: unknown) => void,
    ) => connection.query(session(), done)
    const errors: unknown[] = []
    const sluice = createSluice({ mode: 'optimize', cache: false })
    sluice.on('error', (error) => errors.push(error))
    const other = knex({ client: 'mysql2', connection: replica.url, pool: { min: 0, max: 8 } })
    const own = knex({ client: 'mysql2', connection: primary, pool: { min: 0, max: 8, afterCreate } })
    const db = withSluice(own, sluice, { replicas: [other], ...options })
    closing.push(async () => {
      await sluice.close()
      await Promise.all([db.destroy(), other.destroy()])
      expect(errors).toEqual([])
    })
    return { sluice, db, stats: () => sluice.replicas.getStats()[0] as ReplicaRoutingStats }
  }

  const read = async (db: Knex, id: number): Promise<number> =>
    ((await db('counters').where({ id }).first()) as { value: number }).value

  /** Reads until the replica, or only the primary, has returned ten results in a row. */
  async function readsFrom({ db, sluice, stats }: Opened, where: 'replica' | 'primary'): Promise<void> {
    const count = () => (where === 'replica' ? stats().replicaReads : stats().primaryReads)
    for (let inRow = 0, tries = 0; inRow < 10; tries += 1) {
      if (tries > 1_000) throw new Error(`Reads do not go to the ${where}.`)
      const before = count()
      await sluice.run(() => read(db, 1))
      inRow = count() > before ? inRow + 1 : 0
      await sleep(5)
    }
  }

  it('reads from no replica that accepts writes, warns once, and reads from it again when it is read-only', async () => {
    const opened = open()
    await readsFrom(opened, 'replica')
    const warnings = await warningsOf(async () => {
      await kind.on(replica.url, 'SET GLOBAL read_only = OFF')
      try {
        await readsFrom(opened, 'primary')
        await sleep(300)
      } finally {
        await kind.on(replica.url, 'SET GLOBAL read_only = ON')
      }
    })
    expect(warnings.filter((text) => text.includes('accepts writes'))).toHaveLength(1)
    expect(opened.stats().replicas[0]).toMatchObject({ isUp: false })
    await readsFrom(opened, 'replica')
  })

  it('reads from no replica with a replay position ahead of the primary', async () => {
    const opened = open()
    await readsFrom(opened, 'replica')
    const [{ position } = {}] = await kind.on(replica.url, 'SELECT @@gtid_slave_pos AS position')
    await kind.on(replica.url, 'STOP SLAVE')
    try {
      await kind.on(replica.url, "SET GLOBAL gtid_slave_pos = '0-1-999999999'")
      await readsFrom(opened, 'primary')
      let stale = 0
      for (let i = 1; i <= 100; i += 1) {
        await opened.sluice.run(async () => {
          await opened.db('counters').where({ id: 2 }).update({ value: i })
          if ((await read(opened.db, 2)) !== i) stale += 1
        })
      }
      expect(stale).toBe(0)
    } finally {
      await kind.on(replica.url, `SET GLOBAL gtid_slave_pos = '${position}'`)
      await kind.on(replica.url, 'START SLAVE')
    }
    await kind.caughtUp(pair, replica)
    await readsFrom(opened, 'replica')
  })

  it('warns about a primary without a binary log, and reads from the primary', async (context) => {
    const service = inject('services').mariadb
    if ('skipped' in service) return context.skip()
    const opened = open({ primary: service.url })
    const warnings = await warningsOf(async () => {
      await opened.db.raw('CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
      await opened.db('counters').insert({ id: 1, value: 5 })
      for (let i = 0; i < 50; i += 1) {
        expect(await read(opened.db, 1)).toBe(5)
        await sleep(10)
      }
    })
    expect(warnings.filter((text) => text.includes('no binary log'))).toHaveLength(1)
    expect(opened.stats().replicaReads).toBe(0)
    await opened.db.raw('DROP TABLE counters')
  })

  it('misses no write in any of several replication domains', { timeout: TEST_MS }, async () => {
    let made = 0
    const session = () => {
      made += 1
      return `SET SESSION gtid_domain_id = ${made % 3}`
    }
    await kind.ways.at(-1)?.set(replica)
    const opened = open({ primary: asRoot(pair.primary), session, options: { maxLagMs: 30_000 } })
    const { sluice, db, stats } = opened
    await readsFrom(opened, 'replica')
    const before = stats().replicaReads
    let stale = 0
    const walk = async (id: number) => {
      for (let i = 1; i <= 200; i += 1) {
        await sluice.run(async () => {
          await db('counters').where({ id }).update({ value: i })
          for (let k = 0; k < 4; k += 1) {
            if ((await read(db, id)) !== i) stale += 1
            if (k > 0) await sleep(3)
          }
        })
      }
    }
    await Promise.all([11, 12, 13, 14].map(walk))
    const replicaReads = stats().replicaReads - before
    console.log(`several domains: 3,200 reads, ${stale} stale, ${replicaReads} on the replica`)
    expect(stale).toBe(0)
    expect(replicaReads).toBeGreaterThan(0)
    const token = await sluice.run(async () => {
      await db('counters').where({ id: 11 }).update({ value: 0 })
      return sluice.replicas.consistencyToken()
    })
    expect(token).toMatch(/^0:0-1-\d+\.1-1-\d+\.2-1-\d+$/)
    await kind.caughtUp(pair, replica)
  })

  it('waits for exactly the required transaction', { timeout: TEST_MS }, async () => {
    const { sluice, db, stats } = open({ options: { maxLagMs: 60_000 } })
    await readsFrom({ sluice, db, stats }, 'replica')
    const position = async (url: string, variable: string) =>
      (await kind.on(url, `SELECT @@${variable} AS position`))[0]?.position
    const blocker = knex({ client: 'mysql2', connection: asRoot(replica.url), pool: { min: 0, max: 1 } })
    await kind.ways[0]?.set(replica)
    try {
      for (let i = 1; i <= 10; i += 1) {
        // The replica must wait here during replay.
        const trx = await blocker.transaction()
        await trx('counters').where({ id: 31 }).forUpdate()
        try {
          await sluice.run(async () => {
            await db('counters').where({ id: 34 }).update({ value: i })
            const before = await position(pair.primary, 'gtid_binlog_pos')
            await db('counters').where({ id: 31 }).update({ value: i })
            await expect.poll(() => position(replica.url, 'gtid_slave_pos'), SOON).toBe(before)
            const reads = stats().replicaReads
            for (let k = 0; k < 20; k += 1) {
              expect(await read(db, 31)).toBe(i)
              await sleep(3)
            }
            expect(stats().replicaReads).toBe(reads)
            await trx.rollback()
            while (stats().replicaReads === reads) {
              expect(await read(db, 31)).toBe(i)
              await sleep(3)
            }
          })
        } finally {
          if (!trx.isCompleted()) await trx.rollback()
        }
      }
    } finally {
      await blocker.destroy()
    }
  })

  it('waits for one replication domain while the other domains continue', { timeout: TEST_MS }, async () => {
    await kind.ways.at(-1)?.set(replica)
    const opened = open({
      primary: asRoot(pair.primary),
      session: () => 'SET SESSION gtid_domain_id = 1',
      options: { maxLagMs: 60_000 },
    })
    const { sluice, db, stats } = opened
    await readsFrom(opened, 'replica')
    const blocker = knex({ client: 'mysql2', connection: asRoot(replica.url), pool: { min: 0, max: 1 } })
    const trx = await blocker.transaction()
    try {
      await trx('counters').where({ id: 32 }).forUpdate()
      await sluice.run(async () => {
        await db('counters').where({ id: 32 }).update({ value: 321 })
        for (let i = 1; i <= 5; i += 1) {
          await kind.on(pair.primary, `UPDATE counters SET value = ${i} WHERE id = 33`)
          await expect
            .poll(() => kind.on(replica.url, 'SELECT value FROM counters WHERE id = 33'), SOON)
            .toEqual([{ value: i }])
          const reads = stats().replicaReads
          for (let k = 0; k < 10; k += 1) {
            expect(await read(db, 32)).toBe(321)
            await sleep(3)
          }
          expect(stats().replicaReads).toBe(reads)
        }
        await trx.rollback()
        await kind.caughtUp(pair, replica)
        const reads = stats().replicaReads
        while (stats().replicaReads === reads) {
          expect(await read(db, 32)).toBe(321)
          await sleep(3)
        }
      })
    } finally {
      if (!trx.isCompleted()) await trx.rollback()
      await blocker.destroy()
    }
  })

  it('carries read-your-writes consistency to another process in a token string', {
    timeout: TEST_MS,
  }, async () => {
    const [one, other] = [open({ options: { maxLagMs: 60_000 } }), open({ options: { maxLagMs: 60_000 } })]
    await readsFrom(one, 'replica')
    await readsFrom(other, 'replica')
    await replica.pauseReplay()
    try {
      const text = await one.sluice.run(async () => {
        await one.db('counters').where({ id: 21 }).update({ value: 77 })
        return one.sluice.replicas.consistencyToken()
      })
      await other.sluice.run(async () => {
        other.sluice.replicas.useConsistencyToken(text)
        expect(await read(other.db, 21)).toBe(77)
        const before = other.stats().replicaReads
        for (let i = 0; i < 20; i += 1) expect(await read(other.db, 21)).toBe(77)
        expect(other.stats().replicaReads).toBe(before)
        await replica.resumeReplay()
        await kind.caughtUp(pair, replica)
        while (other.stats().replicaReads === before) {
          expect(await read(other.db, 21)).toBe(77)
          await sleep(5)
        }
      })
    } finally {
      await replica.resumeReplay()
    }
  })

  it('finds a newly created table', { timeout: TEST_MS }, async () => {
    const { sluice, db, stats } = open()
    const before = stats()?.replicaReads ?? 0
    for (let i = 1; i <= 40; i += 1) {
      await sluice.run(async () => {
        await db.schema.createTable(`made_${i}`, (table) => table.integer('id'))
        expect(await db(`made_${i}`).select()).toEqual([])
        await db.schema.alterTable(`made_${i}`, (table) => table.integer('more').defaultTo(i))
        await db(`made_${i}`).insert({ id: 1 })
        expect(await db(`made_${i}`).select('more')).toEqual([{ more: i }])
        // In the longer pauses, the catalog is read again, and the replica takes the read.
        await sleep(4 * i)
        expect(await db(`made_${i}`).select('more')).toEqual([{ more: i }])
        await db.schema.dropTable(`made_${i}`)
      })
    }
    expect(stats().replicaReads).toBeGreaterThan(before)
  })

  it.each([
    "GET_LOCK('a', 0)",
    "RELEASE_LOCK('a')",
    'SLEEP(0)',
    'BENCHMARK(1, 1)',
    'LAST_INSERT_ID()',
    'ROW_COUNT()',
    'FOUND_ROWS()',
    'CONNECTION_ID()',
    'UUID()',
    'UUID_SHORT()',
    'RAND()',
    'NOW()',
    'CURRENT_ROLE',
    'USER()',
    'DATABASE()',
    'VERSION()',
    'NEXTVAL(numbers)',
    'LASTVAL(numbers)',
    'NEXT VALUE FOR numbers',
    '(NEXT VALUE FOR numbers)',
    'COALESCE(NEXT VALUE FOR numbers, 1)',
    'numbers.nextval',
    "MASTER_GTID_WAIT('0-1-1', 0)",
    "LOAD_FILE('/nowhere')",
    '@own',
    '@own := 3',
    '@@server_id',
    '@@session.sql_mode',
    'own_function(id)',
    'SQL_CALC_FOUND_ROWS id',
    '/*! 1 */ id',
    '/*M! 1 */ id',
  ])('queries the primary for %s', async (text) => {
    const opened = open()
    await readsFrom(opened, 'replica')
    const before = opened.stats()
    await opened
      .db('counters')
      .select(opened.db.raw(text))
      .limit(1)
      .catch(() => {})
    const after = opened.stats()
    expect(after.replicaReads).toBe(before.replicaReads)
    expect(after.primaryReasons.write).toBe(before.primaryReasons.write + 1)
  })

  it('queries the primary for locks, and for tables of the server, of one session, and of files', async () => {
    const opened = open()
    await readsFrom(opened, 'replica')
    const { db, stats } = opened
    const own = [
      db('counters').where({ id: 1 }).forUpdate(),
      db('counters').where({ id: 1 }).forShare(),
      db('counters').where({ id: 1 }).forUpdate().skipLocked(),
      db('counters').whereRaw('id = 1 LOCK IN SHARE MODE'),
      db('counters').whereRaw('id IN (SELECT id FROM counters WHERE id = 1 FOR UPDATE)'),
      db('information_schema.tables').limit(1),
      db('performance_schema.threads').limit(1),
      db('mysql.user').limit(1),
      db('counters').join('sys.version', db.raw('1 = 1')).limit(1),
      db('counters').whereRaw("id = 1 INTO OUTFILE '/nowhere/at/all'"),
      db('counters').select('id').whereRaw('id = 1 INTO @own'),
    ]
    const before = stats()
    for (const one of own) await one.then(undefined, () => {})
    expect(stats().replicaReads).toBe(before.replicaReads)
    expect(stats().primaryReasons.write).toBe(before.primaryReasons.write + own.length)
    await db.transaction((trx) => trx.raw('CREATE TEMPORARY TABLE counters_of_mine (id int)'))
    await db('counters_of_mine').then(undefined, () => {})
    expect(stats().replicaReads).toBe(before.replicaReads)
  })

  it('sends reads without side effects to the replica', async () => {
    const opened = open()
    await readsFrom(opened, 'replica')
    const { db, stats } = opened
    const reads = [
      () => db('counters').select(db.raw("CONCAT(`value`, ':=', 'FOR UPDATE') AS text")).limit(3),
      () =>
        db('counters as c').leftJoin('counters as d', 'c.id', 'd.id').where('c.id', '>', 40).orderBy('c.id'),
      () => db('counters').count('* as n').groupBy('value').havingRaw('count(*) > 1'),
      () => db('counters').whereIn('id', db('counters').select('id').where('value', 0)).pluck('id'),
      () => db('counters').select('id').union(db('counters').select('value')),
      () => db('counters').where('id', '@x').first(),
    ]
    for (const one of reads) {
      const before = stats().replicaReads
      await one()
      expect(stats().replicaReads).toBe(before + 1)
    }
  })

  it('warns about other drivers', async () => {
    const sluice = createSluice({ cache: false })
    const own = knex({ client: 'mysql2', connection: pair.primary })
    const other = knex({ client: 'pg', connection: 'postgresql://127.0.0.1:1/app' })
    const warnings = await warningsOf(async () => {
      withSluice(own, sluice, { replicas: [other] })
      expect(await read(own, 1)).toBeTypeOf('number')
    })
    expect(warnings.join()).toMatch(/of PostgreSQL through `pg`, and of MariaDB through `mysql2`/)
    await sluice.close()
    await Promise.all([own.destroy(), other.destroy()])
  })
})

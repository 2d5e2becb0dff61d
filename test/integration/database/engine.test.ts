import { createSluice, DatabaseOptimizationEngine, type QueryAnalysis } from '@sluice/core'
import type { ColumnSnapshot, DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '@sluice/core/database'
import { hostOf } from '@sluice/core/siblings'
import { unsluice, withSluice } from '@sluice/knex'
import knex from 'knex'
import { describe, expect, it } from 'vitest'
import { databases, freshDatabase } from '../../support/databases.ts'
import { SOON } from '../../support/patience.ts'
import { openStack } from '../../support/stack.ts'

describe.each(databases())('the database engine on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    it('queries the database through Knex, and in a separate session', async () => {
      const database = await freshDatabase(dialect)
      const sluice = createSluice()
      const db = withSluice(knex(database.knexConfig()), sluice)
      try {
        const connection = hostOf(sluice).connections.first()
        expect(connection?.dialect).toBe(dialect)
        const placeholder = dialect === 'postgresql' ? '$1' : '?'
        const bound = dialect === 'postgresql' ? `${placeholder}::int` : placeholder
        expect(await connection?.query(`select ${bound} as a`, [5])).toEqual([{ a: 5 }])
        const seen = await connection?.session?.(async (session) => {
          await session.query('create temporary table mine (a int)')
          await session.query('insert into mine values (7)')
          return session.query('select a from mine')
        })
        expect(seen).toEqual([{ a: 7 }])
        if (dialect !== 'sqlite') await expect(connection?.query('select a from mine')).rejects.toThrow()
        expect(sluice.database?.getWorkload()).toEqual([])
        unsluice(db)
        expect(hostOf(sluice).connections.first()).toBeUndefined()
      } finally {
        await db.destroy()
        await database.drop()
      }
    })

    it('queries the database through the Prisma adapter', async () => {
      const stack = await openStack(dialect, { mode: 'observe', cache: false })
      try {
        await stack.db.destroy()
        await stack.prisma.country.findMany()
        const rows = await hostOf(stack.sluice).connections.first()?.query('select 1 as a')
        expect(rows?.map(({ a }) => Number(a))).toEqual([1])
      } finally {
        await stack.close()
      }
    })

    it('plans a statement without bindings if the database supports it', async () => {
      const database = await freshDatabase(dialect)
      const sluice = createSluice()
      const db = withSluice(knex(database.knexConfig()), sluice)
      try {
        await database.exec('CREATE TABLE things (id int PRIMARY KEY)')
        const explained = sluice.database?.explain(
          `SELECT id FROM things WHERE id = ${dialect === 'postgresql' ? '$1' : '?'}`,
        )
        if (dialect === 'mysql') await expect(explained).rejects.toThrow('MySQL requires parameter values')
        else expect((await explained)?.plan?.steps).toHaveLength(1)
      } finally {
        await db.destroy()
        await sluice.close()
        await database.drop()
      }
    })

    it('explains new query shapes automatically and emits an event for full scans', async () => {
      const database = await freshDatabase(dialect)
      const sluice = createSluice({ database: { explainNew: true } })
      const db = withSluice(knex(database.knexConfig()), sluice)
      const scans: QueryAnalysis[] = []
      sluice.on('fullScan', (analysis) => scans.push(analysis))
      try {
        await database.exec('CREATE TABLE things (id int PRIMARY KEY, kind int)')
        const rows = Array.from({ length: 2_000 }, (_, id) => ({ id, kind: id % 50 }))
        await db.batchInsert('things', rows, 400)
        await database.exec(dialect === 'mysql' ? 'ANALYZE TABLE things' : 'ANALYZE things')
        await db('things').where({ kind: 3 })
        await db('things').where({ id: 3 })
        await db('things').limit(2)
        await expect
          .poll(() => sluice.database?.getPlanCounts(), SOON)
          .toMatchObject({ explained: 3, waiting: 0, failed: 0 })
        expect(scans).toMatchObject([
          { query: expect.stringContaining('kind'), fullTableScan: true, isInferred: false, calls: 1 },
        ])
        expect(sluice.database?.getPlans().find(({ query }) => /where "?`?id/.test(query))).toMatchObject({
          fullTableScan: false,
        })
        // Statements that Sluice sends itself are not recorded.
        expect(sluice.database?.getWorkload().filter(({ kind }) => kind === 'read')).toHaveLength(3)
      } finally {
        await db.destroy()
        await sluice.close()
        await database.drop()
      }
    })

    it('inspects the database at an interval', async () => {
      const database = await freshDatabase(dialect)
      const sluice = createSluice({ database: { inspectEveryMs: 1_000 } })
      const db = withSluice(knex(database.knexConfig()), sluice)
      try {
        await database.exec('CREATE TABLE things (id int PRIMARY KEY)')
        await expect
          .poll(() => sluice.database?.snapshot?.tables.map(({ name }) => name), SOON)
          .toEqual(['things'])
        const { inspectedAt } = sluice.database ?? {}
        await expect
          .poll(() => sluice.database?.inspectedAt, SOON)
          .toBeGreaterThan(inspectedAt ?? Number.POSITIVE_INFINITY)
      } finally {
        await db.destroy()
        await sluice.close()
        await database.drop()
      }
    })

    it('detects that a caller waits for a connection', async () => {
      const database = await freshDatabase(dialect)
      const sluice = createSluice()
      const db = withSluice(knex({ ...database.knexConfig(), pool: { min: 0, max: 1 } }), sluice)
      try {
        await Promise.all(Array.from({ length: 5_000 }, () => db.raw('select 1')))
        const [line, ...more] = sluice.database?.getConnectionPoolRecommendations() ?? []
        expect(line).toMatch(
          /^Pool knex1: min 0, max 1, 0 in use, 1 idle, 0 waiting; at most 1 were in use, and \d+ waiting\.$/,
        )
        expect(Number(line?.match(/and (\d+) waiting/)?.[1])).toBeGreaterThan(5)
        expect(more.join('\n')).toContain('Shorten the statements that hold them: select ?')
        await db.destroy()
        expect(sluice.database?.getConnectionPoolRecommendations()).toEqual([])
      } finally {
        await db.destroy()
        await database.drop()
      }
    })

    it.skipIf(dialect === 'sqlite')(
      'writes statements that partition a table by time without losing a row',
      async () => {
        const database = await freshDatabase(dialect)
        try {
          const time = dialect === 'postgresql' ? 'timestamptz' : 'datetime(3)'
          await database.exec(`create table notes (id int primary key, body varchar(20));
          create table events (id int ${dialect === 'postgresql' ? 'generated always as identity' : 'auto_increment'} primary key, created_at ${time} not null, slug varchar(20) not null unique, note_id int${dialect === 'postgresql' ? ' references notes (id)' : ''});
          create index events_note_idx on events (note_id, created_at);
          insert into notes values (1, 'a');`)
          const dates = ['2001-01-01', '2025-12-31', '2026-01-01', '2026-05-15', '2031-01-01']
          await database.exec(
            dates
              .map(
                (date, at) =>
                  `insert into events ${dialect === 'postgresql' ? 'overriding system value' : ''} values (${at + 1}, '${date} 00:00:00', 's${at}', 1);`,
              )
              .join('\n'),
          )
          const engine = new DatabaseOptimizationEngine()
          engine.useSnapshot(
            eventsOf(dialect, dialect === 'postgresql' ? 'public' : new URL(database.url).pathname.slice(1)),
          )
          const [advice] = engine.getPartitionRecommendations()
          expect(advice).toMatchObject({ table: 'events', strategy: 'quarter' })
          const statements = advice?.ddl ?? []
          expect(statements.length).toBeGreaterThan(1)
          await database.exec(statements.join('\n'))
          const rows = await database.query('select id, slug from events order by id')
          expect(rows.map(({ id, slug }) => `${id} ${slug}`)).toEqual(
            dates.map((_, at) => `${at + 1} s${at}`),
          )
          await database.exec(`insert into events (created_at, slug) values ('2026-05-16 00:00:00', 'next');`)
          expect(await database.query(`select id from events where slug = 'next'`)).toEqual([{ id: 6 }])
          const parts =
            dialect === 'postgresql'
              ? await database.query(
                  `select count(*) as parts from pg_inherits where inhparent = 'events'::regclass`,
                )
              : await database.query(
                  `select count(*) as parts from information_schema.partitions where table_schema = database() and table_name = 'events'`,
                )
          expect(Number(parts[0]?.parts ?? parts[0]?.PARTS)).toBeGreaterThan(8)
        } finally {
          await database.drop()
        }
      },
    )
  })
})

function eventsOf(dialect: 'postgresql' | 'mysql' | 'sqlite', schema: string): DatabaseSnapshot {
  const column = (
    name: string,
    databaseType: string,
    type: ColumnSnapshot['type'] = 'integer',
    nullable = false,
  ) => ({
    name,
    type,
    databaseType,
    nullable,
  })
  const index = (
    name: string,
    columns: readonly string[],
    given: Partial<IndexSnapshot> = {},
  ): IndexSnapshot => ({
    table: `${schema}.events`,
    name,
    keys: columns.map((one) => ({ column: one })),
    method: 'btree',
    isUnique: false,
    isPrimary: false,
    isConstraint: false,
    isValid: true,
    isVisible: true,
    ...given,
  })
  const events: TableSnapshot = {
    id: `${schema}.events`,
    schema,
    name: 'events',
    kind: 'table',
    rows: 2_000_000,
    bytes: 1,
    indexBytes: 1,
    primaryKey: ['id'],
    columns: [
      column('id', 'integer'),
      column('created_at', dialect === 'postgresql' ? 'timestamp with time zone' : 'datetime(3)', 'datetime'),
      column('slug', 'varchar(20)', 'text'),
      column('note_id', 'integer', 'integer', true),
    ],
    indexes: [
      index(dialect === 'mysql' ? 'PRIMARY' : 'events_pkey', ['id'], {
        isPrimary: true,
        isUnique: true,
        isConstraint: true,
      }),
      index(dialect === 'mysql' ? 'slug' : 'events_slug_key', ['slug'], {
        isUnique: true,
        isConstraint: true,
      }),
      index('events_note_idx', ['note_id', 'created_at']),
    ],
  }
  const notes: TableSnapshot = {
    ...events,
    id: `${schema}.notes`,
    name: 'notes',
    rows: 1,
    columns: [column('id', 'integer')],
    indexes: [],
  }
  const key = {
    table: events.id,
    columns: ['note_id'],
    references: notes.id,
    referencedColumns: ['id'],
    onDelete: 'NoAction',
    onUpdate: 'NoAction',
  } as const
  return {
    dialect,
    product: dialect,
    version: '17',
    versionParts: [17, 0, 0],
    defaultSchema: schema,
    takenAt: Date.UTC(2026, 4, 15),
    tables: [events, notes],
    foreignKeys: dialect === 'postgresql' ? [key] : [],
    settings: {},
    extensions: { installed: [], available: [] },
    statements: [],
    gaps: [],
  }
}

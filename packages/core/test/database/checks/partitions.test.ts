import type { ForeignKeyInfo } from '@sluice/core/adapter'
import type { DatabaseSnapshot, TableSnapshot } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { partitionRecommendations, periods } from '../../../src/database/checks/partitions.ts'
import { columnOf, indexOf, primary, snapshotOf, tableOf } from '../snapshots.ts'

const at = (text: string) => Date.parse(text)

describe('periods', () => {
  it('returns quarters for a step of 3 months', () => {
    expect(periods(at('2025-12-31T23:59:59Z'), at('2026-04-01T00:00:00Z'), 3)).toEqual([
      { name: '2025q4', start: '2025-10-01', end: '2026-01-01' },
      { name: '2026q1', start: '2026-01-01', end: '2026-04-01' },
      { name: '2026q2', start: '2026-04-01', end: '2026-07-01' },
    ])
  })

  it('returns months for a step of 1 month', () => {
    expect(periods(at('2025-12-05'), at('2026-01-05'), 1)).toEqual([
      { name: '2025m12', start: '2025-12-01', end: '2026-01-01' },
      { name: '2026m01', start: '2026-01-01', end: '2026-02-01' },
    ])
  })

  it('returns at most the last 40 periods', () => {
    const found = periods(at('1900-01-01'), at('2026-01-01'), 3)
    expect(found).toHaveLength(40)
    expect(found.at(-1)?.name).toBe('2026q1')
  })
})

describe('partitionRecommendations', () => {
  const created = columnOf('created_at', { type: 'datetime', databaseType: 'timestamp with time zone' })
  const of = (table: Partial<TableSnapshot>, snapshot: Partial<DatabaseSnapshot> = {}) =>
    partitionRecommendations(
      snapshotOf(
        [
          tableOf('events', {
            rows: 2_000_000,
            primaryKey: ['id'],
            columns: [columnOf('id'), created],
            indexes: [primary('events_pkey', ['id'])],
            ...table,
          }),
          tableOf('notes'),
        ],
        snapshot,
      ),
    )

  it('recommends partitions for tables of more than 1,000,000 rows with a time column', () => {
    expect(of({})).toMatchObject([
      { table: 'events', rowCount: 2_000_000, column: 'created_at', strategy: 'quarter' },
    ])
    expect(of({ rows: 1_000_000 })).toEqual([])
    expect(of({ columns: [columnOf('id')] })).toEqual([])
    expect(
      of({ columns: [columnOf('id'), columnOf('createdAt', { type: 'integer', databaseType: 'bigint' })] }),
    ).toEqual([])
    expect(of({ kind: 'partitioned' })).toEqual([])
  })

  it('uses quarters for createdAt, and a time range for timestamp', () => {
    const createdAt = columnOf('createdAt', { type: 'datetime', databaseType: 'timestamp' })
    const timestamp = columnOf('timestamp', { type: 'datetime', databaseType: 'timestamp' })
    expect(of({ columns: [timestamp, createdAt] })).toMatchObject([
      { column: 'createdAt', strategy: 'quarter' },
    ])
    const [report] = of({ columns: [columnOf('id'), timestamp] })
    expect(report).toMatchObject({ column: 'timestamp', strategy: 'time-range' })
    expect(report?.ddl.join('\n')).toContain(
      `"events_2026m05" PARTITION OF "events_partitioned" FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')`,
    )
  })

  it('compares rows by key, so that no row is compared with all others', () => {
    const columns = [columnOf('id'), { ...created, nullable: false }, columnOf('note', { nullable: true })]
    const catchUp = of({ columns })[0]?.ddl.find((line) => line.startsWith('DELETE')) ?? ''
    expect(catchUp).toContain(
      'o."id" = n."id" AND o."created_at" = n."created_at" AND o."note" IS NOT DISTINCT FROM n."note"',
    )
    const unsure = of({ columns: [{ ...columnOf('id'), nullable: true }, created] })[0]?.ddl.find((line) =>
      line.startsWith('DELETE'),
    )
    expect(unsure).toContain('o."id" = n."id"')
  })

  it('starts with the oldest rows in the statistics', () => {
    const statistics = {
      distinct: 9,
      nullShare: 0,
      common: [],
      bounds: ['2025-11-01 00:00:00+00', '2026-05-01 00:00:00+00'],
    }
    const text = of({ columns: [columnOf('id'), { ...created, statistics }] })[0]?.ddl.join('\n') ?? ''
    expect(text.match(/events_\d{4}q\d/g)).toEqual([
      'events_2025q4',
      'events_2026q1',
      'events_2026q2',
      'events_2026q3',
    ])
    expect(text).toContain(
      `"events_before" PARTITION OF "events_partitioned" FOR VALUES FROM (MINVALUE) TO ('2025-10-01')`,
    )
  })

  it('creates a new table, copies rows and swaps the names on PostgreSQL', () => {
    const indexes = [
      primary('events_pkey', ['id']),
      indexOf('events_note_idx', ['note_id', 'created_at DESC']),
    ]
    const foreignKeys: ForeignKeyInfo[] = [
      {
        table: 'public.events',
        columns: ['note_id'],
        references: 'public.notes',
        referencedColumns: ['id'],
        onDelete: 'SetNull',
        onUpdate: 'Cascade',
      },
    ]
    const ddl =
      of({ columns: [columnOf('id'), columnOf('note_id'), created], indexes }, { foreignKeys })[0]?.ddl ?? []
    expect(ddl[0]).toMatch(
      /^CREATE TABLE "events_partitioned" \(LIKE "events" .*\) PARTITION BY RANGE \("created_at"\);$/,
    )
    expect(ddl[1]).toBe('ALTER TABLE "events_partitioned" ADD PRIMARY KEY ("id", "created_at");')
    expect(ddl).toContain('CREATE TABLE "events_later" PARTITION OF "events_partitioned" DEFAULT;')
    expect(ddl).toContain(
      'CREATE INDEX "events_note_idx_p" ON "events_partitioned" ("note_id", "created_at" DESC);',
    )
    expect(ddl).toContain(
      'ALTER TABLE "events_partitioned" ADD FOREIGN KEY ("note_id") REFERENCES "notes" ("id") ON DELETE SET NULL ON UPDATE CASCADE;',
    )
    expect(ddl.slice(-4)).toEqual([
      'ALTER TABLE "events_partitioned" RENAME TO "events";',
      'COMMIT;',
      expect.stringMatching(/^-- /),
      'DROP TABLE "events_unpartitioned";',
    ])
  })

  it('alters the table on MySQL', () => {
    const indexes = [primary('PRIMARY', ['id']), indexOf('events_slug_key', ['slug'], { isUnique: true })]
    const columns = [
      columnOf('id'),
      columnOf('slug'),
      columnOf('created_at', { type: 'datetime', databaseType: 'datetime(3)' }),
    ]
    const [report] = of({ columns, indexes }, { dialect: 'mysql' })
    expect(report?.ddl[0]).toBe(
      'ALTER TABLE `events` DROP PRIMARY KEY, ADD PRIMARY KEY (`id`, `created_at`), DROP INDEX `events_slug_key`, ADD INDEX `events_slug_key` (`slug`);',
    )
    expect(report?.ddl[1]).toMatch(
      /^ALTER TABLE `events` PARTITION BY RANGE COLUMNS \(`created_at`\) \(PARTITION p2024q2 VALUES LESS THAN \('2024-07-01'\), .*PARTITION pmax VALUES LESS THAN \(MAXVALUE\)\);$/,
    )
    const timestamp = [
      columnOf('id'),
      columnOf('created_at', { type: 'datetime', databaseType: 'timestamp(3)' }),
    ]
    expect(of({ columns: timestamp }, { dialect: 'mysql' })[0]?.ddl.join('\n')).toContain(
      "PARTITION BY RANGE (UNIX_TIMESTAMP(`created_at`)) (PARTITION p2024q2 VALUES LESS THAN (UNIX_TIMESTAMP('2024-07-01 00:00:00'))",
    )
  })

  it('recommends no partitions on SQLite', () => {
    expect(of({}, { dialect: 'sqlite' })).toMatchObject([
      {
        strategy: 'none',
        column: undefined,
        ddl: [],
        reason: expect.stringContaining('SQLite has no partitions'),
      },
    ])
  })

  it('lists the constraints that would break', () => {
    const foreignKeys: ForeignKeyInfo[] = [
      {
        table: 'public.notes',
        columns: ['event_id'],
        references: 'public.events',
        referencedColumns: ['id'],
        onDelete: 'Cascade',
        onUpdate: 'Cascade',
      },
      {
        table: 'public.events',
        columns: ['note_id'],
        references: 'public.notes',
        referencedColumns: ['id'],
        onDelete: 'Cascade',
        onUpdate: 'Cascade',
      },
    ]
    const indexes = [
      primary('events_pkey', ['id']),
      indexOf('events_slug_key', ['slug'], { isUnique: true }),
      indexOf('events_day_key', ['slug', 'created_at'], { isUnique: true }),
    ]
    const columns = [columnOf('id'), { ...created, nullable: true }]
    const breaks = of({ columns, indexes }, { foreignKeys })[0]?.breaks.join('\n') ?? ''
    expect(breaks).toContain('foreign key notes (event_id) must be dropped')
    expect(breaks).not.toContain('(note_id)')
    expect(breaks).toContain('The primary key becomes (id, created_at)')
    expect(breaks).toContain('events_slug_key (slug) cannot be unique without created_at')
    expect(breaks).not.toContain('events_day_key')
    expect(breaks).toContain('created_at can be null')
    const mysql = of({ columns, indexes }, { foreignKeys, dialect: 'mysql' })[0]?.breaks.join('\n')
    expect(mysql).toContain('The foreign key (note_id) to notes must be dropped')
  })
})

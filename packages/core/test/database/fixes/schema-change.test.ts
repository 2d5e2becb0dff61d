import { describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../src/database/fixes/database-facts.ts'
import { type SchemaChange, schemaChangeSql } from '../../../src/database/fixes/schema-change.ts'
import { InvalidArgumentError } from '../../../src/shared/errors.ts'
import { column, create, databaseFacts, drop, existingIndex, index, table } from './facts.ts'

const sqlOf = (change: SchemaChange, facts: DatabaseFacts) =>
  schemaChangeSql(change, facts).steps.map(({ sql }) => sql)
const undoOf = (change: SchemaChange, facts: DatabaseFacts) =>
  schemaChangeSql(change, facts).undo.map(({ sql }) => sql)

describe('schemaChangeSql on PostgreSQL', () => {
  const facts = databaseFacts('postgresql')

  it('creates and drops an index concurrently', () => {
    const change = create(
      'city_region_id_idx',
      index('public.city', ['region_id', { column: 'name', isDescending: true, nulls: 'last' }]),
    )
    expect(sqlOf(change, facts)).toEqual([
      'CREATE INDEX CONCURRENTLY "city_region_id_idx" ON "city" ("region_id", "name" DESC NULLS LAST)',
    ])
    expect(undoOf(change, facts)).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS "city_region_id_idx"'])
    expect(schemaChangeSql(change, facts).steps.map(({ isConcurrent }) => isConcurrent)).toEqual([true])
  })

  it('writes the schema if it is not the default', () => {
    const change = create('od"d', index('geo.Order.Line', ['a"b']))
    const qualified = databaseFacts('postgresql', [table('geo', 'Order.Line')])
    expect(sqlOf(change, qualified)).toEqual([
      'CREATE INDEX CONCURRENTLY "od""d" ON "geo"."Order.Line" ("a""b")',
    ])
    expect(undoOf(change, qualified)).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS "geo"."od""d"'])
  })

  it('writes operator classes, conditions, expressions and included columns', () => {
    const keys = [
      { column: 'name', operatorClass: 'text_pattern_ops' },
      { column: 'mail', expression: 'lower(mail)' },
    ]
    const change = create(
      'x',
      index('public.city', keys, { isUnique: true, where: 'deleted_at IS NULL', include: ['id'] }),
    )
    expect(sqlOf(change, facts)).toEqual([
      'CREATE UNIQUE INDEX CONCURRENTLY "x" ON "city" ("name" text_pattern_ops, (lower(mail))) INCLUDE ("id") WHERE deleted_at IS NULL',
    ])
  })

  it('first creates the extension that contains the operator class', () => {
    const change = create(
      'x',
      index('public.city', [{ column: 'name', operatorClass: 'gin_trgm_ops' }], { method: 'gin' }),
    )
    expect(sqlOf(change, facts)).toEqual([
      'CREATE EXTENSION IF NOT EXISTS pg_trgm',
      'CREATE INDEX CONCURRENTLY "x" ON "city" USING gin ("name" gin_trgm_ops)',
    ])
    expect(undoOf(change, facts)).toEqual(['DROP INDEX CONCURRENTLY IF EXISTS "x"'])
  })

  it('creates the index of a partitioned table partition by partition', () => {
    const partitioned = databaseFacts('postgresql', [
      table('public', 'log', { kind: 'partitioned' }),
      table('public', 'log_1', {
        kind: 'partition',
        parent: 'public.log',
        indexes: [existingIndex('public.log_1', 'log_1_at_idx', ['at'])],
      }),
      table('public', 'log_2', { kind: 'partitioned', parent: 'public.log' }),
      table('old', 'log_3', { kind: 'partition', parent: 'public.log_2' }),
    ])
    const change = create('log_at_idx', index('public.log', ['at']))
    expect(sqlOf(change, partitioned)).toEqual([
      'CREATE INDEX "log_at_idx" ON ONLY "log" ("at")',
      'CREATE INDEX "log_2_at_idx" ON ONLY "log_2" ("at")',
      'CREATE INDEX CONCURRENTLY "log_1_at_2_idx" ON "log_1" ("at")',
      'CREATE INDEX CONCURRENTLY "log_3_at_idx" ON "old"."log_3" ("at")',
      'ALTER INDEX "log_at_idx" ATTACH PARTITION "log_1_at_2_idx"',
      'ALTER INDEX "log_2_at_idx" ATTACH PARTITION "old"."log_3_at_idx"',
      'ALTER INDEX "log_at_idx" ATTACH PARTITION "log_2_at_idx"',
    ])
    expect(undoOf(change, partitioned)).toEqual(['DROP INDEX IF EXISTS "log_at_idx"'])
  })

  it('throws when it would drop an index of a constraint', () => {
    const constrained = databaseFacts('postgresql', [
      table('public', 'city', {
        indexes: [existingIndex('public.city', 'city_code_key', ['code'], { isConstraint: true })],
      }),
    ])
    expect(() => sqlOf(drop('city_code_key', index('public.city', ['code'])), constrained)).toThrow(
      InvalidArgumentError,
    )
  })
})

describe('schemaChangeSql on MySQL and MariaDB', () => {
  const text = [
    table('app', 'City', {
      id: 'app.city',
      columns: [column('body', 'longtext'), column('name', 'varchar(20)')],
    }),
  ]

  it('alters in place without a lock on writes', () => {
    const change = create('city_name_idx', index('app.city', [{ column: 'name', isDescending: true }]))
    expect(sqlOf(change, databaseFacts('mysql', text))).toEqual([
      'ALTER TABLE `City` ADD INDEX `city_name_idx` (`name` DESC), ALGORITHM=INPLACE, LOCK=NONE',
    ])
    expect(undoOf(change, databaseFacts('mysql', text))).toEqual([
      'ALTER TABLE `City` DROP INDEX `city_name_idx`, ALGORITHM=INPLACE, LOCK=NONE',
    ])
  })

  it.each([
    ['mysql', [5, 7, 44], false],
    ['mysql', [8, 0, 11], true],
    ['mariadb', [10, 6, 1], false],
    ['mariadb', [10, 8, 1], true],
    ['mariadb', [11, 4, 2], true],
  ] as const)('%s %j writes DESC: %s', (product, version, writes) => {
    const change = create('x', index('app.city', [{ column: 'name', isDescending: true }]))
    const facts = databaseFacts(product, text, version)
    expect(sqlOf(change, facts)[0]?.includes('DESC')).toBe(writes)
    expect(schemaChangeSql(change, facts).notes).toHaveLength(writes ? 0 : 1)
  })

  it('indexes a prefix of a string, and throws without a prefix length', () => {
    const facts = databaseFacts('mariadb', text)
    const change = create('x', index('app.city', [{ column: 'body', prefixLength: 40 }]))
    expect(sqlOf(change, facts)).toEqual([
      'ALTER TABLE `City` ADD INDEX `x` (`body`(40)), ALGORITHM=INPLACE, LOCK=NONE',
    ])
    expect(() => sqlOf(create('x', index('app.city', ['body'])), facts)).toThrow('its type is longtext')
  })

  it('uses a shared lock only for FULLTEXT, and notes the cost', () => {
    const change = create('x', index('app.city', ['body'], { method: 'fulltext' }))
    const { steps, notes } = schemaChangeSql(change, databaseFacts('mysql', text))
    expect(steps[0]?.sql).toBe(
      'ALTER TABLE `City` ADD FULLTEXT INDEX `x` (`body`), ALGORITHM=INPLACE, LOCK=SHARED',
    )
    expect(notes.join(' ')).toContain('FTS_DOC_ID')
  })

  it.each([
    ['a condition', index('app.city', ['name'], { where: 'name IS NULL' })],
    ['carried columns', index('app.city', ['name'], { include: ['id'] })],
    ['an operator class', index('app.city', [{ column: 'name', operatorClass: 'text_pattern_ops' }])],
    ['a kind that it does not have', index('app.city', ['name'], { method: 'gin' })],
    ['no key', index('app.city', [])],
  ])('throws for %s', (_, definition) => {
    expect(() => sqlOf(create('x', definition), databaseFacts('mysql', text))).toThrow(InvalidArgumentError)
  })

  it('supports expressions on MySQL from 8.0.13', () => {
    const change = create('x', index('app.city', [{ column: 'name', expression: '(lower(`name`))' }]))
    expect(sqlOf(change, databaseFacts('mysql'))[0]).toContain('((lower(`name`)))')
    expect(() => sqlOf(change, databaseFacts('mysql', [], [8, 0, 12]))).toThrow(InvalidArgumentError)
    expect(() => sqlOf(change, databaseFacts('mariadb'))).toThrow(InvalidArgumentError)
  })
})

describe('schemaChangeSql on SQLite', () => {
  const facts = databaseFacts('sqlite')

  it('writes collations and conditions', () => {
    const change = create(
      'x',
      index('main.city', [{ column: 'name', collation: 'NOCASE', isDescending: true }], { where: 'id > 5' }),
    )
    expect(sqlOf(change, facts)).toEqual([
      'CREATE INDEX IF NOT EXISTS "x" ON "city" ("name" COLLATE "NOCASE" DESC) WHERE id > 5',
    ])
    expect(undoOf(change, facts)).toEqual(['DROP INDEX IF EXISTS "x"'])
  })

  it('undoes a drop by recreating the same index', () => {
    const change = drop('x', index('main.city', ['a', 'b'], { isUnique: true }))
    expect(sqlOf(change, facts)).toEqual(['DROP INDEX IF EXISTS "x"'])
    expect(undoOf(change, facts)).toEqual(['CREATE UNIQUE INDEX IF NOT EXISTS "x" ON "city" ("a", "b")'])
  })

  it('throws for features that SQLite does not have', () => {
    expect(() => sqlOf(create('x', index('main.city', ['name'], { method: 'fulltext' })), facts)).toThrow(
      InvalidArgumentError,
    )
    expect(() => sqlOf(create('x', index('main.city', ['name'], { include: ['id'] })), facts)).toThrow(
      InvalidArgumentError,
    )
    expect(() => sqlOf(create('x', index('main.city', [{ column: 'name', nulls: 'first' }])), facts)).toThrow(
      InvalidArgumentError,
    )
  })
})

import type { ForeignKeyInfo } from '@sluice/core/adapter'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import {
  duplicateIndexes,
  missingForeignKeyIndexes,
  unusedIndexes,
} from '../../../src/database/advisor/schema-indexes.ts'
import { columnOf, indexOf, primary, snapshotOf, tableOf } from '../snapshots.ts'

describe('duplicateIndexes', () => {
  const of = (
    indexes: readonly IndexSnapshot[],
    table: Partial<TableSnapshot> = {},
    snapshot: Partial<DatabaseSnapshot> = {},
  ) => duplicateIndexes(snapshotOf([tableOf('t', { ...table, indexes })], snapshot))
  const pairs = (
    indexes: readonly IndexSnapshot[],
    table?: Partial<TableSnapshot>,
    snapshot?: Partial<DatabaseSnapshot>,
  ) => of(indexes, table, snapshot).map(({ index, coveredBy, kind }) => `${index} ${kind} ${coveredBy}`)

  it('finds indexes with the same keys, and keeps one of them', () => {
    expect(pairs([indexOf('i1', ['a', 'b']), indexOf('i2', ['a', 'b']), indexOf('i3', ['a', 'b'])])).toEqual([
      'i3 identical i1',
      'i2 identical i1',
    ])
  })

  it('finds an index that is a prefix of another', () => {
    expect(pairs([indexOf('short', ['a']), indexOf('long', ['a', 'b'])])).toEqual(['short prefix long'])
    expect(pairs([indexOf('short', ['b']), indexOf('long', ['a', 'b'])])).toEqual([])
  })

  it('treats an index with reversed directions as the same', () => {
    expect(pairs([indexOf('up', ['a', 'b DESC']), indexOf('down', ['a DESC', 'b'])])).toEqual([
      'up identical down',
    ])
    expect(pairs([indexOf('up', ['a', 'b']), indexOf('mixed', ['a', 'b DESC'])])).toEqual([])
    expect(pairs([indexOf('one', ['a DESC']), indexOf('two', ['a', 'b'])])).toEqual(['one prefix two'])
    expect(pairs([indexOf('one', [{ column: 'a', nulls: 'first' }]), indexOf('two', ['a DESC'])])).toEqual([])
  })

  it('compares with the primary key, which is never reported itself', () => {
    const key = primary('t_pkey', ['id'])
    expect(pairs([key, indexOf('t_id', ['id'])])).toEqual(['t_id identical t_pkey'])
    expect(pairs([key, indexOf('t_id', ['id'], { isUnique: true, include: ['b'] })])).toEqual([])
    expect(pairs([key, indexOf('t_id_b', ['id', 'b'], { isUnique: true })])).toEqual([])
    expect(
      pairs(
        [indexOf('t_id', ['id'])],
        { primaryKey: ['id'], columns: [columnOf('id', { databaseType: 'INTEGER' })] },
        { dialect: 'sqlite' },
      ),
    ).toEqual(['t_id identical PRIMARY KEY'])
    expect(
      pairs(
        [indexOf('t_id', ['id'])],
        { primaryKey: ['id'], columns: [columnOf('id', { databaseType: 'TEXT' })] },
        { dialect: 'sqlite' },
      ),
    ).toEqual([])
  })

  it('keeps indexes that enforce uniqueness', () => {
    const unique = indexOf('u', ['a'], { isUnique: true })
    expect(pairs([unique, indexOf('plain', ['a'])])).toEqual(['plain identical u'])
    expect(pairs([unique, indexOf('wide', ['a', 'b'])])).toEqual([])
    expect(pairs([unique, indexOf('wide', ['a', 'b'], { isUnique: true })])).toEqual([])
    expect(pairs([unique, indexOf('constraint', ['a'], { isUnique: true, isConstraint: true })])).toEqual([
      'u identical constraint',
    ])
  })

  it('compares methods, conditions, operator classes, collations and expressions', () => {
    const plain = indexOf('i1', ['a'])
    for (const other of [
      indexOf('i2', ['a', 'b'], { method: 'gin' }),
      indexOf('i2', ['a', 'b'], { where: 'b IS NULL' }),
      indexOf('i2', [{ column: 'a', operatorClass: 'text_pattern_ops' }]),
      indexOf('i2', [{ column: 'a', collation: 'NOCASE' }]),
      indexOf('i2', [{ column: 'a', expression: 'lower(a)' }]),
      indexOf('i2', [{ column: 'a', prefixLength: 10 }]),
      indexOf('i2', ['a'], { isValid: false }),
      indexOf('i2', ['a'], { isVisible: false }),
    ]) {
      expect(pairs([plain, other])).toEqual([])
    }
    const partial = { where: 'b IS NULL' }
    expect(pairs([indexOf('i1', ['a'], partial), indexOf('i2', ['a', 'c'], partial)])).toEqual([
      'i1 prefix i2',
    ])
    expect(
      pairs([indexOf('i1', ['a'], { method: 'gin' }), indexOf('i2', ['a', 'c'], { method: 'gin' })]),
    ).toEqual([])
    expect(pairs([indexOf('i1', ['a'], { method: 'gin' }), indexOf('i2', ['a'], { method: 'gin' })])).toEqual(
      ['i2 identical i1'],
    )
  })

  it('keeps an index with included columns that the other lacks', () => {
    const carrying = indexOf('i1', ['a'], { include: ['c'] })
    expect(pairs([carrying, indexOf('i2', ['a', 'b'])])).toEqual([])
    expect(pairs([carrying, indexOf('i2', ['a', 'c'])])).toEqual(['i1 prefix i2'])
    expect(pairs([carrying, indexOf('i2', ['a', 'b'], { include: ['c'] })])).toEqual(['i1 prefix i2'])
  })

  it('returns the statement that drops the index', () => {
    const indexes = [indexOf('short', ['a'], { bytes: 8192 }), indexOf('long', ['a', 'b'])]
    expect(of(indexes)[0]).toMatchObject({
      table: 't',
      columns: ['a'],
      bytes: 8192,
      ddl: 'DROP INDEX CONCURRENTLY "short";',
      fix: { kind: 'drop-index', name: 'short' },
    })
    expect(of(indexes, {}, { dialect: 'mysql' })[0]?.ddl).toBe('DROP INDEX `short` ON `t`;')
    expect(of(indexes, { schema: 'other' }, { dialect: 'sqlite' })[0]).toMatchObject({
      table: 'other.t',
      ddl: 'DROP INDEX "other"."short";',
    })
  })
})

describe('unusedIndexes', () => {
  const of = (
    index: IndexSnapshot,
    snapshot: Partial<DatabaseSnapshot> = {},
    more: readonly IndexSnapshot[] = [],
  ) => unusedIndexes(snapshotOf([tableOf('t', { indexes: [index, ...more] })], snapshot))
  const key: ForeignKeyInfo = {
    table: 'public.t',
    columns: ['a'],
    references: 'public.p',
    referencedColumns: ['id'],
    onDelete: 'Cascade',
    onUpdate: 'Cascade',
  }

  it('finds indexes that were never read, largest first', () => {
    const found = unusedIndexes(
      snapshotOf([
        tableOf('t', {
          indexes: [
            indexOf('small', ['a'], { scans: 0, bytes: 10 }),
            indexOf('large', ['b'], { scans: 0, bytes: 5_000_000 }),
            indexOf('used', ['c'], { scans: 1 }),
            indexOf('uncounted', ['d']),
          ],
        }),
      ]),
    )
    expect(found.map(({ index }) => index)).toEqual(['large', 'small'])
    expect(found[0]).toMatchObject({
      bytes: 5_000_000,
      ddl: 'DROP INDEX CONCURRENTLY "large";',
      columns: ['b'],
    })
    expect(found[0]?.reason).toContain('5 MB')
  })

  it('ignores keys and constraints', () => {
    for (const given of [{ isPrimary: true, isUnique: true }, { isUnique: true }, { isConstraint: true }]) {
      expect(of(indexOf('i', ['a'], { scans: 0, ...given }))).toEqual([])
    }
  })

  it('finds incomplete indexes, even unique ones', () => {
    expect(of(indexOf('i', ['a'], { isValid: false, isUnique: true }))[0]?.reason).toContain('is incomplete')
  })

  it('keeps an index that MySQL needs for a foreign key, and adds a warning on other databases', () => {
    const index = indexOf('i', ['a'], { scans: 0 })
    expect(of(index, { dialect: 'mysql', foreignKeys: [key] })).toEqual([])
    expect(
      of(index, { dialect: 'mysql', foreignKeys: [key] }, [indexOf('j', ['a', 'b'], { scans: 4 })]),
    ).toHaveLength(1)
    expect(of(index, { foreignKeys: [key] })[0]?.reason).toContain('when a row of public.p is deleted')
  })
})

describe('missingForeignKeyIndexes', () => {
  const of = (
    columns: readonly string[],
    indexes: readonly IndexSnapshot[],
    given: Partial<DatabaseSnapshot> = {},
    table: Partial<TableSnapshot> = {},
  ) => {
    const key: ForeignKeyInfo = {
      table: 'public.t',
      columns,
      references: 'public.p',
      referencedColumns: columns,
      onDelete: 'Cascade',
      onUpdate: 'Cascade',
    }
    return missingForeignKeyIndexes(
      snapshotOf([tableOf('t', { ...table, indexes }), tableOf('p')], { foreignKeys: [key], ...given }),
    )
  }

  it('finds a foreign key without an index that starts with its columns', () => {
    expect(of(['a'], [indexOf('i', ['b', 'a'])])).toMatchObject([
      {
        table: 't',
        columns: ['a'],
        references: 'p',
        rows: 10_000,
        ddl: 'CREATE INDEX CONCURRENTLY "t_a_idx" ON "t" ("a");',
        fix: {
          kind: 'create-index',
          name: 't_a_idx',
          index: { keys: [{ column: 'a' }], method: 'btree', isUnique: false },
        },
      },
    ])
    expect(of(['a'], [], { dialect: 'mysql' })[0]?.ddl).toBe(
      'CREATE INDEX `t_a_idx` ON `t` (`a`) ALGORITHM=INPLACE LOCK=NONE;',
    )
    expect(of(['a'], [], { dialect: 'sqlite' })[0]?.ddl).toBe('CREATE INDEX "t_a_idx" ON "t" ("a");')
  })

  it.each<[string, readonly string[], IndexSnapshot]>([
    ['by its first keys', ['a'], indexOf('i', ['a', 'b'])],
    ['by the primary key', ['a'], primary('i', ['a', 'b'])],
    ['of several columns in another order', ['a', 'b'], indexOf('i', ['b', 'a', 'c'])],
    ['read from its end', ['a'], indexOf('i', ['a DESC'])],
    ['by a hash of all its columns', ['a'], indexOf('i', ['a'], { method: 'hash' })],
    ['without the rows that refer to nothing', ['a'], indexOf('i', ['a'], { where: '(a IS NOT NULL)' })],
  ])('accepts an index that finds rows %s', (_, columns, index) => {
    expect(of(columns, [index])).toEqual([])
  })

  it.each<[string, readonly string[], IndexSnapshot]>([
    ['has one of the columns only', ['a', 'b'], indexOf('i', ['a'])],
    ['has another column between', ['a', 'b'], indexOf('i', ['a', 'c', 'b'])],
    ['is partial', ['a'], indexOf('i', ['a'], { where: 'deleted_at IS NULL' })],
    [
      'is partial by another column, too',
      ['a'],
      indexOf('i', ['a'], { where: 'a IS NOT NULL AND b IS NOT NULL' }),
    ],
    ['is of an expression', ['a'], indexOf('i', [{ column: 'a', expression: 'lower(a)' }])],
    ['holds the beginning of values', ['a'], indexOf('i', [{ column: 'a', prefixLength: 5 }])],
    ['cannot be read', ['a'], indexOf('i', ['a'], { isValid: false })],
    ['is of another method', ['a'], indexOf('i', ['a'], { method: 'gin' })],
  ])('does not accept an index that %s', (_, columns, index) => {
    expect(of(columns, [index])).toHaveLength(1)
  })

  it('recognizes tables that are stored in the order of their key', () => {
    const rowid = { primaryKey: ['a'], columns: [columnOf('a', { databaseType: 'INTEGER' })] }
    expect(of(['a'], [], { dialect: 'sqlite' }, rowid)).toEqual([])
    expect(
      of(['a'], [], { dialect: 'sqlite' }, { ...rowid, columns: [columnOf('a', { databaseType: 'TEXT' })] }),
    ).toHaveLength(1)
    expect(of(['a'], [], { dialect: 'sqlite' }, { primaryKey: ['a', 'b'], isClustered: true })).toEqual([])
  })

  it('reports the parent table instead of its partitions', () => {
    expect(of(['a'], [], {}, { kind: 'partition' })).toEqual([])
    expect(of(['a'], [], {}, { kind: 'partitioned' })).toHaveLength(1)
  })
})

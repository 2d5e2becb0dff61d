import { describe, expect, it } from 'vitest'
import { type Change, SchemaCatalog } from '../../src/schema/catalog.ts'
import {
  type CatalogData,
  type ColumnType,
  type ForeignKeyInfo,
  type ReferentialAction,
  type TableInfo,
  tableId,
} from '../../src/schema/catalog-data.ts'

function table(name: string, more: Partial<TableInfo> = {}): TableInfo {
  return { name, kind: 'table', columns: [], primaryKey: ['id'], uniqueKeys: [], ...more }
}

function key(
  from: string,
  to: string,
  onDelete: ReferentialAction,
  onUpdate: ReferentialAction = 'NoAction',
): ForeignKeyInfo {
  const column = `${to}_id`
  return {
    table: `main.${from}`,
    columns: [column],
    references: `main.${to}`,
    referencedColumns: ['id'],
    onDelete,
    onUpdate,
  }
}

function sqlite(tables: readonly TableInfo[], foreignKeys: readonly ForeignKeyInfo[] = []): SchemaCatalog {
  return new SchemaCatalog({ dialect: 'sqlite', defaultSchema: 'main', tables, foreignKeys })
}

function touched(catalog: SchemaCatalog, ...changes: Change[]): string[] {
  return [...catalog.effectOf(changes).tables].map((id) => id.replace('main.', '')).sort()
}

describe('SchemaCatalog.effectOf', () => {
  it('is empty without changes', () => {
    expect(sqlite([table('city')]).effectOf([])).toEqual({ tables: new Set(), everything: false })
  })

  it('follows a chain of cascading deletes', () => {
    const catalog = sqlite(
      [],
      [
        key('region', 'country', 'Cascade'),
        key('city', 'region', 'Cascade'),
        key('street', 'city', 'Cascade'),
      ],
    )
    expect(touched(catalog, { table: 'main.country', kind: 'delete' })).toEqual([
      'city',
      'country',
      'region',
      'street',
    ])
  })

  it('stops at a foreign key that restricts deletes', () => {
    const catalog = sqlite(
      [],
      [
        key('region', 'country', 'Cascade'),
        key('city', 'region', 'Restrict'),
        key('flag', 'region', 'NoAction'),
      ],
    )
    expect(touched(catalog, { table: 'main.country', kind: 'delete' })).toEqual(['country', 'region'])
  })

  it('follows no foreign key for an insert', () => {
    const catalog = sqlite([], [key('region', 'country', 'Cascade', 'Cascade')])
    expect(touched(catalog, { table: 'main.country', kind: 'insert' })).toEqual(['country'])
  })

  it.each(['SetNull', 'SetDefault'] as const)('treats %s as an update of the referencing table', (action) => {
    const catalog = sqlite([], [key('city', 'country', action), key('street', 'city', 'Cascade')])
    expect(touched(catalog, { table: 'main.country', kind: 'delete' })).toEqual(['city', 'country'])
  })

  it('follows the update of SetNull if its column is referenced', () => {
    const onCountry: ForeignKeyInfo = {
      ...key('street', 'city', 'NoAction', 'Cascade'),
      referencedColumns: ['country_id'],
    }
    const catalog = sqlite([], [key('city', 'country', 'SetNull'), onCountry])
    expect(touched(catalog, { table: 'main.country', kind: 'delete' })).toEqual(['city', 'country', 'street'])
  })

  it('follows an update only if a referenced column may change', () => {
    const catalog = sqlite([], [key('city', 'country', 'NoAction', 'Cascade')])
    expect(touched(catalog, { table: 'main.country', kind: 'update', columns: ['name'] })).toEqual([
      'country',
    ])
    expect(touched(catalog, { table: 'main.country', kind: 'update', columns: ['name', 'id'] })).toEqual([
      'city',
      'country',
    ])
    expect(touched(catalog, { table: 'main.country', kind: 'update' })).toEqual(['city', 'country'])
  })

  it('recognizes a referenced column regardless of case', () => {
    const catalog = sqlite([], [key('city', 'country', 'NoAction', 'Cascade')])
    expect(touched(catalog, { table: 'main.country', kind: 'update', columns: ['ID'] })).toEqual([
      'city',
      'country',
    ])
  })

  it('treats a cascading update as an update, not as a delete', () => {
    const catalog = sqlite(
      [],
      [key('city', 'country', 'NoAction', 'Cascade'), key('street', 'city', 'Cascade')],
    )
    expect(touched(catalog, { table: 'main.country', kind: 'update', columns: ['id'] })).toEqual([
      'city',
      'country',
    ])
  })

  it('stops at cycles and self-references', () => {
    const catalog = sqlite(
      [],
      [key('a', 'b', 'Cascade'), key('b', 'a', 'Cascade'), key('a', 'a', 'Cascade', 'Cascade')],
    )
    expect(touched(catalog, { table: 'main.a', kind: 'delete' })).toEqual(['a', 'b'])
  })

  it('covers everything if a cascade reaches a table with triggers', () => {
    const catalog = sqlite(
      [table('country'), table('city', { hasTriggers: true })],
      [key('city', 'country', 'Cascade')],
    )
    expect(catalog.effectOf([{ table: 'main.country', kind: 'delete' }]).everything).toBe(true)
    expect(catalog.effectOf([{ table: 'main.country', kind: 'insert' }]).everything).toBe(false)
  })

  it('combines the effects of several changes', () => {
    const catalog = sqlite([table('log', { hasTriggers: true })], [key('city', 'country', 'Cascade')])
    expect(
      touched(catalog, { table: 'main.country', kind: 'delete' }, { table: 'main.note', kind: 'insert' }),
    ).toEqual(['city', 'country', 'note'])
    expect(
      catalog.effectOf([
        { table: 'main.log', kind: 'insert' },
        { table: 'main.note', kind: 'insert' },
      ]).everything,
    ).toBe(true)
  })
})

describe('SchemaCatalog.effectOf for tables whose triggers change only them', () => {
  const tables = (triggered: TableInfo['triggered'] = {}) =>
    sqlite([table('country', { triggered }), table('city')], [key('city', 'country', 'Cascade', 'Cascade')])
  const update: Change = { table: 'main.country', kind: 'update', columns: ['name'], rows: [7] }
  const remove: Change = { table: 'main.country', kind: 'delete', rows: [7] }
  const insert: Change = { table: 'main.country', kind: 'insert' }
  const effects = (triggered: TableInfo['triggered'], ...changes: readonly Change[]) =>
    changes.map((change) => {
      const { everything, tables: written, rows } = tables(triggered).effectOf([change])
      const ids = [...written].map((id) => id.replace('main.', '')).sort()
      return [everything, ids, rows && [...(rows.get('main.country') ?? ['any'])]]
    })

  it('is by row if they set other columns of the row', () => {
    const triggered = { update: { columns: ['updated_at'], isOfRow: true } }
    expect(effects(triggered, update, remove, insert)).toEqual([
      [false, ['country'], [7]],
      [false, ['city', 'country'], [7]],
      [false, ['country'], []],
    ])
  })

  it('is by table, and follows the key, if they may set a key of the row', () => {
    for (const columns of [{}, { columns: ['ID'] }])
      expect(effects({ update: { ...columns, isOfRow: true } }, update, insert)).toEqual([
        [false, ['city', 'country'], undefined],
        [false, ['country'], []],
      ])
  })

  it('is by table if they set columns of other rows', () => {
    const change = { columns: ['rank'], isOfRow: false }
    expect(effects({ insert: change, delete: change }, update, remove, insert)).toEqual([
      [false, ['country'], [7]],
      [false, ['city', 'country'], undefined],
      [false, ['country'], undefined],
    ])
  })

  it('follows an update that another trigger of the table fires', () => {
    const triggered = {
      insert: { columns: ['rank'], isOfRow: true },
      update: { columns: ['id'], isOfRow: false },
    }
    expect(effects(triggered, insert)).toEqual([[false, ['city', 'country'], undefined]])
  })

  it('is by table if a cascade reaches them', () => {
    const catalog = sqlite(
      [table('country', { triggered: { update: { columns: ['updated_at'], isOfRow: true } } })],
      [key('country', 'region', 'SetNull')],
    )
    const { tables: written, rows } = catalog.effectOf([{ table: 'main.region', kind: 'delete', rows: [1] }])
    expect([[...written].sort(), rows?.has('main.country')]).toEqual([['main.country', 'main.region'], false])
  })

  it('includes the triggers that either of two catalogs shows', () => {
    const one = tables({ update: { columns: ['a'], isOfRow: true } })
    const other = tables({ update: { columns: ['b'], isOfRow: false }, insert: { isOfRow: true } })
    expect(one.union(other).tables.get('main.country')?.triggered).toEqual({
      update: { columns: ['a', 'b'], isOfRow: false },
      insert: { isOfRow: true },
    })
    expect(tables().union(other).tables.get('main.country')?.triggered).toEqual(
      other.tables.get('main.country')?.triggered,
    )
  })
})

/** The rows of tables with known rows. */
function rowsTouched(catalog: SchemaCatalog, ...changes: Change[]): Record<string, number[]> {
  const { rows = new Map() } = catalog.effectOf(changes)
  return Object.fromEntries([...rows].map(([id, buckets]) => [id.replace('main.', ''), [...buckets].sort()]))
}

describe('rows of SchemaCatalog.effectOf', () => {
  const catalog = sqlite(
    [table('country'), table('city'), table('seat', { primaryKey: ['row', 'place'] })],
    [
      key('city', 'country', 'Cascade', 'Cascade'),
      key('city', 'city', 'SetNull'),
      key('seat', 'seat', 'Cascade', 'Cascade'),
    ],
  )
  const update = (more: Partial<Change> = {}): Change => ({
    table: 'main.country',
    kind: 'update',
    columns: ['name'],
    rows: [7],
    ...more,
  })

  it('are empty for an insert, which changes no existing row', () => {
    expect(rowsTouched(catalog, { table: 'main.city', kind: 'insert' })).toEqual({ city: [] })
  })

  it('are those that an update or a delete identifies', () => {
    expect(rowsTouched(catalog, update({ rows: [7, 8] }))).toEqual({ country: [7, 8] })
    expect(rowsTouched(catalog, { table: 'main.country', kind: 'delete', rows: [7] })).toEqual({
      country: [7],
    })
    expect(rowsTouched(catalog, update({ rows: [] }))).toEqual({ country: [] })
  })

  it('are unknown for a change without rows, or with more than 64', () => {
    expect(rowsTouched(catalog, { table: 'main.country', kind: 'delete' })).toEqual({})
    expect(
      rowsTouched(catalog, update({ rows: Array.from({ length: 64 }, (_, at) => at) })).country,
    ).toHaveLength(64)
    expect(rowsTouched(catalog, update({ rows: Array.from({ length: 65 }, (_, at) => at) }))).toEqual({})
  })

  it('are unknown in tables that foreign keys reach', () => {
    expect(touched(catalog, { table: 'main.country', kind: 'delete', rows: [7] })).toEqual([
      'city',
      'country',
    ])
  })

  it('are unknown if a foreign key leads back to the table', () => {
    expect(rowsTouched(catalog, { table: 'main.city', kind: 'delete', rows: [7] })).toEqual({})
    expect(rowsTouched(catalog, { table: 'main.seat', kind: 'delete', rows: [7] })).toEqual({})
    expect(
      rowsTouched(catalog, { table: 'main.city', kind: 'update', columns: ['name'], rows: [7] }),
    ).toEqual({ city: [7] })
  })

  it.each([[['place']], [['name', 'ROW']], [undefined]])(
    'are unknown if the primary key may change: %j',
    (columns) => {
      const change: Change = { table: 'main.seat', kind: 'update', rows: [7] }
      expect(rowsTouched(catalog, columns === undefined ? change : { ...change, columns })).toEqual({})
    },
  )

  it('are not cached from an earlier equal change', () => {
    expect(rowsTouched(catalog, update({ rows: [1] }))).toEqual({ country: [1] })
    expect(rowsTouched(catalog, update({ rows: [2] }))).toEqual({ country: [2] })
    expect(rowsTouched(catalog, { table: 'main.country', kind: 'update', columns: ['name'] })).toEqual({})
  })

  it('are combined for several changes, and unknown if one of them may modify any row', () => {
    const insert: Change = { table: 'main.country', kind: 'insert' }
    expect(rowsTouched(catalog, insert, update(), update({ rows: [8] }))).toEqual({ country: [7, 8] })
    expect(
      rowsTouched(catalog, update(), { table: 'main.country', kind: 'update', columns: ['name'] }),
    ).toEqual({})
    expect(
      rowsTouched(catalog, { table: 'main.country', kind: 'update', columns: ['name'] }, update()),
    ).toEqual({})
    expect(
      rowsTouched(
        catalog,
        { table: 'main.city', kind: 'insert' },
        { table: 'main.country', kind: 'delete', rows: [7] },
      ),
    ).toEqual({
      country: [7],
    })
  })

  it('are unknown in a table of the same name with an unknown schema', () => {
    const data = { dialect: 'mysql', defaultSchema: '-', foreignKeys: [] } as const
    const twins = new SchemaCatalog({ ...data, tables: [table('city'), table('city', { schema: 'atlas' })] })
    const { tables, rows } = twins.effectOf([
      { table: 'atlas.city', kind: 'update', columns: ['name'], rows: [7] },
    ])
    expect([...tables].sort()).toEqual(['-.city', 'atlas.city'])
    expect([...(rows?.keys() ?? [])]).toEqual(['atlas.city'])
  })
})

describe('the rowid of SQLite', () => {
  it('can be another name of the key', () => {
    const keys = [key('city', 'country', 'NoAction', 'Cascade')]
    const update: Change = { table: 'main.country', kind: 'update', columns: ['RowId'], rows: [7] }
    const catalog = sqlite([table('country'), table('city')], keys)
    expect(touched(catalog, update)).toEqual(['city', 'country'])
    expect(rowsTouched(catalog, update)).toEqual({})
    const columns = [{ name: 'rowid', type: 'integer', nullable: false }] as const
    const plain = sqlite([table('country', { columns }), table('city')], keys)
    expect(rowsTouched(plain, update)).toEqual({ country: [7] })
  })
})

describe('SchemaCatalog.union', () => {
  const one = sqlite(
    [table('city'), table('person', { primaryKey: ['mine'] })],
    [key('city', 'country', 'Cascade')],
  )
  const other = sqlite(
    [table('country'), table('person', { kind: 'view', hasTriggers: true, primaryKey: ['theirs'] })],
    [key('street', 'city', 'Cascade')],
  )

  it('contains the tables of both', () => {
    expect([...one.union(other).tables.keys()].sort()).toEqual(['main.city', 'main.country', 'main.person'])
  })

  it('follows the foreign keys of both', () => {
    expect(touched(one.union(other), { table: 'main.country', kind: 'delete' })).toEqual([
      'city',
      'country',
      'street',
    ])
  })

  it.each([
    ['one', () => one.union(other)],
    ['the other', () => other.union(one)],
  ])('counts a table as a view and as having triggers if %s does', (_, union) => {
    expect(union().baseTable('main.person')).toBeUndefined()
    expect(union().tables.get('main.person')?.hasTriggers).toBe(true)
  })

  it('uses its description of a shared table', () => {
    expect(one.union(other).isUniqueKey('main.person', ['mine'])).toBe(true)
    expect(one.union(other).isUniqueKey('main.person', ['theirs'])).toBe(false)
  })
})

describe('SchemaCatalog.union with the tables of a schema file', () => {
  const column = (type: ColumnType) => [{ name: 'made', type, nullable: false }]
  const declared = sqlite([table('car', { columns: column('integer'), declared: true })])
  const read = sqlite([table('car', { columns: column('other') })])

  it('uses the description of the database in either order', () => {
    for (const union of [declared.union(read), read.union(declared)])
      expect(union.tables.get('main.car')).toMatchObject({ columns: column('other') })
  })
})

describe('SchemaCatalog.idOf', () => {
  const empty = { tables: [], foreignKeys: [] }
  const catalogs: Record<string, CatalogData> = {
    sqlite: { ...empty, dialect: 'sqlite', defaultSchema: 'main' },
    postgresql: { ...empty, dialect: 'postgresql', defaultSchema: 'public' },
    mysql: { ...empty, dialect: 'mysql', defaultSchema: 'Atlas' },
  }

  it.each([
    ['sqlite', ['City'], 'main.city'],
    ['sqlite', ['Side', 'City'], 'side.city'],
    ['postgresql', ['City'], 'public.City'],
    ['postgresql', ['Side', 'City'], 'Side.City'],
    ['postgresql', ['db', 'Side', 'City'], 'Side.City'],
    ['mysql', ['City'], 'atlas.city'],
    ['mysql', ['atlas', 'City'], 'atlas.city'],
    ['mysql', ['Side', 'City'], 'side.city'],
  ])('folds names like %s: %j', (dialect, name, id) => {
    expect(new SchemaCatalog(catalogs[dialect] as CatalogData).idOf(name)).toBe(id)
  })

  it('is the ID of a table in the default schema, with or without the schema', () => {
    const data: CatalogData = {
      ...empty,
      dialect: 'mysql',
      defaultSchema: 'Atlas',
      tables: [table('City', { schema: 'Atlas' }), table('Region')],
    }
    expect([...new SchemaCatalog(data).tables.keys()]).toEqual(['atlas.city', 'atlas.region'])
    expect(tableId('mysql', undefined, 'City', 'Atlas')).toBe('atlas.city')
  })
})

describe('SchemaCatalog.baseTable', () => {
  it('is undefined for a view and an unknown table', () => {
    const catalog = sqlite([table('city'), table('big_city', { kind: 'view' })])
    expect(catalog.baseTable('main.city')?.name).toBe('city')
    expect(catalog.baseTable('main.big_city')).toBeUndefined()
    expect(catalog.baseTable('main.unknown')).toBeUndefined()
  })

  it('is undefined for an ID that two tables share', () => {
    const data: CatalogData = {
      dialect: 'mysql',
      defaultSchema: 'atlas',
      tables: [table('City', { hasTriggers: true }), table('city')],
      foreignKeys: [],
    }
    const catalog = new SchemaCatalog(data)
    expect(catalog.baseTable('atlas.city')).toBeUndefined()
    expect(catalog.effectOf([{ table: 'atlas.city', kind: 'insert' }]).everything).toBe(true)
  })
})

describe('SchemaCatalog.isUniqueKey', () => {
  const catalog = sqlite([
    table('place', { primaryKey: ['country', 'code'], uniqueKeys: [['slug']] }),
    table('log', { primaryKey: [] }),
  ])

  it.each([
    [['country', 'code'], true],
    [['code', 'country'], true],
    [['slug'], true],
    [['country'], false],
    [['slug', 'country'], false],
    [['country', 'country'], false],
    [[], false],
  ])('returns for the columns %j %s', (columns, unique) => {
    expect(catalog.isUniqueKey('main.place', columns)).toBe(unique)
  })

  it('is false for a table without keys and for an unknown table', () => {
    expect(catalog.isUniqueKey('main.log', [])).toBe(false)
    expect(catalog.isUniqueKey('main.unknown', ['id'])).toBe(false)
  })
})

describe('the databases of a MySQL server', () => {
  const mysql = (databases?: readonly string[], foreignKeys: readonly ForeignKeyInfo[] = []) =>
    new SchemaCatalog({
      dialect: 'mysql',
      defaultSchema: 'shop',
      tables: [table('order', { schema: 'shop' }), table('customer', { schema: 'crm' })],
      foreignKeys,
      ...(databases && { databases }),
    })

  it('are described, as are those of the server', () => {
    const catalog = mysql(['shop', 'crm'])
    const names = ['shop', 'crm', 'information_schema', 'sys']
    expect(names.filter((name) => catalog.describes(name))).toEqual(names)
    expect(catalog.describes('wiki')).toBe(false)
    // Some servers distinguish names by their case.
    expect(catalog.describes('CRM')).toBe(false)
    expect(catalog.withDefault('crm').describes('wiki')).toBe(false)
    expect(mysql().describes('wiki')).toBe(true)
  })

  it('are combined in a union', () => {
    const union = mysql(['shop']).union(mysql(['wiki']))
    expect(['shop', 'wiki', 'crm'].filter((name) => union.describes(name))).toEqual(['shop', 'wiki'])
    expect(mysql(['shop']).union(mysql()).describes('wiki')).toBe(false)
  })

  it('may contain views that write if they are not described', () => {
    const catalog = mysql(['shop', 'crm'])
    expect(catalog.whenRead(['shop.order', 'crm.customer', 'crm.unknown'])).toBe('reads')
    expect(catalog.whenRead(['shop.order', 'wiki.page'])).toBe('writes')
    expect(catalog.whenRead(['information_schema.tables'])).toBe('reads')
    expect(mysql(['Shop', 'CRM']).whenRead(['shop.order', 'crm.unknown'])).toBe('reads')
  })

  it('are parents of tables that their foreign keys modify', () => {
    const key = (child: string, parent: string, onDelete: ReferentialAction): ForeignKeyInfo => ({
      table: child,
      columns: ['ref'],
      references: parent,
      referencedColumns: ['id'],
      onDelete,
      onUpdate: 'NoAction',
    })
    const keys = [
      key('shop.line', 'shop.order', 'Cascade'),
      key('shop.order', 'crm.customer', 'Cascade'),
      key('crm.customer', 'crm.group', 'SetNull'),
      key('crm.group', 'geo.country', 'Restrict'),
      key('crm.note', 'shop.order', 'SetNull'),
    ]
    const catalog = mysql(['shop', 'crm'], keys)
    const parents = (id: string) => catalog.withForeignParents([id]).slice(1).toSorted()
    expect(parents('shop.order')).toEqual(['crm.customer', 'crm.group'])
    expect(parents('shop.line')).toEqual(['crm.customer', 'crm.group'])
    expect(parents('crm.note')).toEqual(['shop.order'])
    expect(parents('crm.customer')).toEqual([])
    expect(parents('crm.group')).toEqual([])
    expect(mysql(['shop'], keys.slice(0, 1)).withForeignParents(['shop.line'])).toEqual(['shop.line'])
  })
})

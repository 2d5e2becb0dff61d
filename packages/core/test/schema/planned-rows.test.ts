import { describe, expect, it } from 'vitest'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import type { TableInfo } from '../../src/schema/catalog-data.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { ReadPlan } from '../../src/schema/read-plan.ts'
import { rowBucket } from '../../src/schema/row-key.ts'
import { effectOfStatement } from '../../src/schema/statement-effect.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { readStatement } from '../../src/sql/statement.ts'

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e'

function table(
  name: string,
  keys: Readonly<Record<string, 'integer' | 'uuid' | 'text'>>,
  more: Partial<TableInfo> = {},
): TableInfo {
  const columns = [...Object.entries(keys), ['x', 'text'] as const].map(([column, type]) => ({
    name: column,
    type,
    nullable: false,
  }))
  return { name, kind: 'table', columns, primaryKey: Object.keys(keys), uniqueKeys: [], ...more }
}

const city = table('city', { Id: 'integer' })
const tables = [
  city,
  table('seat', { row: 'integer', place: 'integer' }),
  table('doc', { id: 'uuid' }),
  table('word', { id: 'text' }),
]

function registryOf(
  dialect: Dialect,
  sources: Readonly<Record<string, readonly TableInfo[] | undefined>> = { s: tables },
): CatalogRegistry {
  const registry = new CatalogRegistry()
  for (const [id, known] of Object.entries(sources)) {
    const data = known && { dialect, defaultSchema: 'main', tables: known, foreignKeys: [] }
    registry.set(id, data && new SchemaCatalog(data))
  }
  return registry
}

/** The rows that a statement writes by table, each by its key; `any` if they are unknown. */
function written(
  sql: string,
  values?: readonly unknown[],
  dialect: Dialect = 'sqlite',
  registry = registryOf(dialect),
) {
  const effect = effectOfStatement(readStatement(sql, dialect), 's', registry, values)
  const named = (buckets: ReadonlySet<number> | undefined) => (buckets === undefined ? 'any' : [...buckets])
  return [...(effect?.tables ?? [])].map((id) => named(effect?.rows?.get(id)))
}

const rows = (...keys: readonly (readonly string[])[]) => [keys.map((key) => rowBucket(key))]
const ANY = ['any']

describe('rows of effectOfStatement', () => {
  it.each<[Dialect, string]>([
    ['sqlite', 'update city set x = ? where id = ?'],
    ['mysql', 'update city set x = ? where ID = ?'],
    ['postgresql', 'update city set x = $1 where "Id" = $2'],
  ])('are those that its conditions identify (%s)', (dialect, sql) => {
    expect(written(sql, ['a', 7], dialect)).toEqual(rows(['7']))
    expect(written(sql, ['a', '7'], dialect)).toEqual(rows(['7']))
    expect(written(sql, ['a', 'x'], dialect)).toEqual(ANY)
  })

  it('are known without bound values if the statement contains literals', () => {
    expect(written('delete from city where id = 7')).toEqual(rows(['7']))
    expect(written("delete from city where id in (7, '8')")).toEqual(rows(['7'], ['8']))
    expect(written('delete from city where id = ?')).toEqual(ANY)
  })

  it('are identified by all columns of the key, in its order', () => {
    expect(written('delete from seat where place = 2 and "row" = 1')).toEqual(rows(['1', '2']))
    expect(written('delete from seat where place = 2')).toEqual(ANY)
  })

  it('are identified by UUIDs, but not by other strings', () => {
    expect(written('delete from doc where id = ?', [UUID])).toEqual(rows([UUID]))
    expect(written('delete from doc where id = ?', [UUID.toUpperCase()])).toEqual(ANY)
    expect(written('delete from word where id = ?', ['a'])).toEqual(ANY)
  })

  it('are unknown if the number of values differs from that of the placeholders', () => {
    expect(written('update city set x = ? where id = ?', ['a', 7, 8])).toEqual(ANY)
    expect(written('update city set x = ? where id = ?', ['a'])).toEqual(ANY)
    expect(written("update city set x = '?' where id = ?", [7], 'mysql')).toEqual(ANY)
    expect(written('update city set x = $1 where "Id" = $2', ['a'], 'postgresql')).toEqual(ANY)
  })

  it('are empty for an insert, and unknown for a statement that may replace rows', () => {
    expect(written('insert into city values (1)')).toEqual([[]])
    expect(written('insert or ignore into city values (1)')).toEqual([[]])
    expect(written('insert into city values (1) on conflict do nothing')).toEqual([[]])
    expect(written('insert into city values (1) on conflict (id) do update set x = 1')).toEqual(ANY)
    expect(written('insert into city values (1) on duplicate key update x = 1', [], 'mysql')).toEqual(ANY)
    expect(written('insert or replace into city values (1)')).toEqual(ANY)
    expect(written('replace into city values (1)')).toEqual(ANY)
    expect(written('update or replace city set x = 1 where id = 7')).toEqual(ANY)
  })

  it('are those that an upsert identifies', () => {
    expect(
      written('insert into city values (7) on conflict (id) do update set x = 1 where city.id = 7'),
    ).toEqual(rows(['7']))
    expect(
      written('insert into city values (7) on conflict (id) do update set id = 8 where city.id = 7'),
    ).toEqual(ANY)
  })

  it('are unknown if the key may change', () => {
    expect(written('update city set ID = 8 where id = 7')).toEqual(ANY)
    expect(written('update city set x = 8 where id = 7')).toEqual(rows(['7']))
  })

  it('are combined for several statements', () => {
    expect(written('delete from city where id = 7; delete from city where id = 8')).toEqual(
      rows(['7'], ['8']),
    )
    expect(written('delete from city where id = 7; delete from city')).toEqual(ANY)
  })
})

describe('rows of a ReadPlan', () => {
  const planOf = (sql: string, dialect: Dialect = 'sqlite') =>
    ReadPlan.of(readStatement(sql, dialect), 's', registryOf(dialect))
  const pinned = (sql: string, values: readonly unknown[] = [], dialect?: Dialect) =>
    planOf(sql, dialect).rowsOf(values)

  it('contains the rows of the table that is read', () => {
    const sql = 'select * from city where id in (?, ?)'
    expect(pinned(sql, [7, 8])).toEqual({ buckets: [rowBucket(['7']), rowBucket(['8'])], count: 2 })
    expect(planOf(sql)).toMatchObject({ tables: ['main.city'], pinnedTable: 'main.city', isPlain: true })
  })

  it('contains at most 15 rows', () => {
    const list = (length: number) => Array.from({ length }, (_, at) => at).join()
    expect(pinned(`select * from city where id in (${list(15)})`)?.count).toBe(15)
    expect(pinned(`select * from city where id in (${list(16)})`)).toBeUndefined()
  })

  it('is undefined if the table is read under another name, too', () => {
    expect(pinned('select c.x from city c join main.city d on true where c.id = 7')).toBeUndefined()
    expect(pinned('select c.x from city c join CITY d on true where c.id = 7')).toBeUndefined()
    expect(pinned('select c.x from city c join doc d on true where c.id = 7')?.count).toBe(1)
  })

  it('is undefined for an unknown table', () => {
    expect(pinned('select * from town where id = 7')).toBeUndefined()
  })
})

describe('CatalogRegistry.rowKey', () => {
  const keyOf = (sources: Readonly<Record<string, readonly TableInfo[] | undefined>>, sourceId = 's') =>
    registryOf('sqlite', sources).rowKey(sourceId, 'main.city')?.columns

  it('is the primary key on which all sources agree', () => {
    expect(keyOf({ s: [city], t: [city] })).toEqual(['Id'])
  })

  it('is undefined for a source whose key differs from that of the union, and for one without a known catalog', () => {
    const other = table('city', { code: 'integer' })
    const agreed = [keyOf({ s: [city], t: [other] }, 's'), keyOf({ s: [city], t: [other] }, 't')].filter(
      (key) => key !== undefined,
    )
    expect(agreed).toHaveLength(1)
    expect(keyOf({ s: [city] }, 't')).toBeUndefined()
    expect(keyOf({ s: [city], t: [table('city', { Id: 'uuid' })] }, 's') === undefined).not.toBe(
      keyOf({ s: [city], t: [table('city', { Id: 'uuid' })] }, 't') === undefined,
    )
  })

  it('is undefined while a source is being read, for a view, and for an unknown table', () => {
    expect(keyOf({ s: [city], t: undefined })).toBeUndefined()
    expect(keyOf({ s: [table('city', { Id: 'integer' }, { kind: 'view' })] })).toBeUndefined()
    expect(keyOf({ s: [] })).toBeUndefined()
  })

  it('follows changes of the catalogs', () => {
    const registry = registryOf('sqlite', { s: [city] })
    expect(registry.rowKey('s', 'main.city')).toBe(registry.rowKey('s', 'main.city'))
    registry.set('s', undefined)
    expect(registry.rowKey('s', 'main.city')).toBeUndefined()
  })
})

import type { Dialect } from '@sluice/core'
import { type LookupKey, lookupKey, SchemaCatalog, splitRows } from '@sluice/core/adapter'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type KeyedSelect, planSelect, type RowForm } from '../../src/adapter/keyed-select.ts'
import { analyzeSql } from '../../src/sql/analyze.ts'

const column = (name: string, type: 'integer' | 'text' | 'decimal' = 'integer') => ({
  name,
  type,
  nullable: false,
})

function catalogOf(dialect: Dialect): SchemaCatalog {
  const city = {
    name: 'city',
    kind: 'table' as const,
    columns: [column('id'), column('region_id'), column('name', 'text'), column('size', 'decimal')],
    primaryKey: ['id'],
    uniqueKeys: [['region_id', 'name']],
  }
  const view = { ...city, name: 'big_city', kind: 'view' as const }
  const region = {
    name: 'region',
    kind: 'table' as const,
    columns: [column('id')],
    primaryKey: ['id'],
    uniqueKeys: [],
  }
  const schema = dialect === 'postgresql' ? 'public' : 'main'
  const foreignKeys = [
    {
      ...{
        table: `${schema}.city`,
        columns: ['region_id'],
        references: `${schema}.region`,
        referencedColumns: ['id'],
      },
      ...{ onDelete: 'NoAction' as const, onUpdate: 'NoAction' as const },
    },
  ]
  return new SchemaCatalog({ dialect, defaultSchema: schema, tables: [city, view, region], foreignKeys })
}

function planOf(sql: string, dialect: Dialect = 'postgresql', form: RowForm = 'objects') {
  const { statement } = analyzeSql(sql, dialect)
  const isPlain =
    statement.opaque === undefined &&
    statement.writes.length === 0 &&
    !statement.volatile &&
    !statement.locks &&
    statement.functions.size === 0
  return planSelect(sql, dialect, form, catalogOf(dialect), isPlain)
}

function keyedOf(sql: string, dialect?: Dialect, form?: RowForm): KeyedSelect {
  const { keyed } = planOf(sql, dialect, form)
  if ('refused' in keyed) throw new Error(keyed.refused)
  return keyed
}

const keys = (...values: unknown[]): LookupKey[] => values.flatMap((value) => lookupKey([value]) ?? [])

describe('a select by key', () => {
  it.each([
    ['SELECT * FROM city WHERE id = $1', 'SELECT * FROM city WHERE id in ($1, $2)'],
    [
      'select "id", "name" from "city" where "id" = $1 limit $2',
      'select "id", "name" from "city" where "id" in ($1, $2) ',
    ],
    ['select "id" from "city" where "id" = $1 limit 1', 'select "id" from "city" where "id" in ($1, $2) '],
    ['select id from city c where (c.id = $1)', 'select id from city c where (c.id in ($1, $2))'],
    [
      'select * from city where ((region_id = $1) and (size > $2)) order by id desc',
      'select * from city where ((region_id in ($1, $3)) and (size > $2)) order by id desc',
    ],
    [
      'select name from public.city where id = $1',
      'select name, id as "sluice_key_1" from public.city where id in ($1, $2)',
    ],
  ])('is extended to many keys: %s', (sql, batched) => {
    const keyed = keyedOf(sql)
    expect(keyed.batched([1, 9, 9].slice(0, keyed.constants.length + 1), keys(1, 2)).sql).toBe(batched)
  })

  it.each([
    ['select * from city where id = $1 and id = $2', 1],
    ['select * from city where size = $1 and region_id = $2', 1],
    ['select * from city where id = $1 and region_id = $2', 0],
    ['select * from city where region_id = $1 and size > $2', 0],
  ])('chooses its key by the catalog: %s', (sql, place) => {
    expect(keyedOf(sql)).toMatchObject({ place, constants: [1 - place] })
  })

  it.each([
    ['select * from city', 'NOT_BY_KEY'],
    ['select * from city where id = 7', 'NOT_BY_KEY'],
    ['select * from city where size = $1', 'NOT_BY_KEY'],
    ['select * from city where $1 = id', 'NOT_BY_KEY'],
    ['select * from city where id = $1::int', 'NOT_BY_KEY'],
    ['select * from city where id::text = $1', 'NOT_BY_KEY'],
    ['select * from city where lower(name) = $1', 'NOT_BY_KEY'],
    ['select * from city where id = any($1)', 'NOT_BY_KEY'],
    ['select * from city where id is not distinct from $1', 'NOT_BY_KEY'],
    ['select * from city where not (id = $1)', 'NOT_BY_KEY'],
    ['select * from city where id = $1 or region_id = $2', 'UNSUPPORTED_CONDITION'],
    ['select * from city where id = $1 and exists (select 1 from region)', 'UNSUPPORTED_CONDITION'],
    ['select * from city where id = $1 and region_id in (select id from region)', 'UNSUPPORTED_CONDITION'],
    ['select * from city where region_id = $1 and name = $2', 'COMPOSITE_KEY'],
    ['select * from city where id = $1 and size > $1', 'KEY_USED_TWICE'],
    ['select * from city where region_id = $1 limit 1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 limit 0', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $2 limit $1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 fetch first 1 row only', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 offset 1', 'OFFSET'],
    ['select distinct region_id from city where id = $1', 'GROUPED_ROWS'],
    ['select region_id from city where id = $1 group by region_id', 'GROUPED_ROWS'],
    ['select count(*) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select size + 1 as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select row_number() over () from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select * from city c join region r on r.id = c.region_id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from only city where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city tablesample system (10) where id = $1', 'NOT_A_PLAIN_READ'],
    ['select * from big_city where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from nowhere where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['with c as (select * from city) select * from c where id = $1', 'NOT_A_SELECT'],
    ['(select * from city where id = $1)', 'NOT_A_SELECT'],
    ['select * from city where id = $1 union select * from city where id = $2', 'NOT_A_SELECT'],
    ['select * from city where id = $1 for update', 'NOT_A_PLAIN_READ'],
    ['select * from city where id = $1 and size > random()', 'NOT_A_PLAIN_READ'],
    ['update city set size = 1 where id = $1', 'NOT_A_PLAIN_READ'],
  ])('passes through unchanged: %s (%s)', (sql, reason) => {
    expect(planOf(sql).keyed).toEqual({ refused: reason })
  })

  it('passes through unchanged with named or numbered parameters of SQLite', () => {
    expect(planOf('select * from city where id = ?1 and size > ?2', 'sqlite').keyed).toEqual({
      refused: 'NAMED_PARAMETERS',
    })
    expect(planOf('select * from city where id = :id', 'sqlite').keyed).toEqual({
      refused: 'NAMED_PARAMETERS',
    })
  })

  it('adds a helper column when no other column is certainly the key', () => {
    expect(keyedOf('select * from city where id = $1').helpers).toBe(0)
    expect(keyedOf('select * from city where id = $1', 'postgresql', 'arrays').helpers).toBe(1)
    expect(keyedOf('select id as name, name from city where id = $1').helpers).toBe(1)
    expect(keyedOf('select name, id from city where id = $1', 'postgresql', 'arrays')).toMatchObject({
      helpers: 0,
    })
    const keyed = keyedOf('select name as sluice_key_1 from city where id = $1')
    const row = { sluice_key_1: 'a', sluice_key_2: 7 }
    expect(keyed.keyOf(row)).toBe(7)
    keyed.strip(row)
    expect(row).toEqual({ sluice_key_1: 'a' })
  })
})

describe('the rows of a batched select', () => {
  const database = new Database(':memory:')
  database.exec('create table city (id integer primary key, region_id integer, name text, size decimal)')
  for (let id = 1; id <= 40; id++)
    database.prepare('insert into city values (?, ?, ?, ?)').run(id, id % 7, `city ${id % 5}`, id)

  const asked = (sql: string, params: readonly unknown[], form: RowForm) =>
    database
      .prepare(sql)
      .raw(form === 'arrays')
      .all(...params) as (unknown[] | Record<string, unknown>)[]

  it.each([
    ['select * from city where id = ?', []],
    ['select name from city where id = ? limit 1', []],
    ['select name, size from city where region_id = ? order by id desc', []],
    ['select name as id, size from city where (region_id = ?) order by 2', []],
    ['select size from city where ((region_id = ?) and (size > ?)) order by id', [12]],
    [
      'select c.*, name from city as c where c."region_id" = ? and c.size between ? and ? order by c.id',
      [3, 30],
    ],
    ['select id, name from city where name = ? order by id', []],
  ] as const)('contain the rows of each key separately: %s', (sql, constants) => {
    for (const form of ['arrays', 'objects'] as const) {
      const keyed = keyedOf(sql, 'sqlite', form)
      const values = keyed.column === 'name' ? ['city 1', 'city 4', 'nowhere'] : [3, 1, 99, 5]
      const paramsOf = (value: unknown) => [value, ...constants]
      const { sql: batched, params } = keyed.batched(paramsOf(values[0]), keys(...values))
      const rows = asked(batched, params, form)
      const groups = splitRows(rows, keys(...values), (row) => [keyed.keyOf(row)])
      for (const row of rows) keyed.strip(row)
      expect(values.map((value) => groups?.get(lookupKey([value])?.text ?? ''))).toEqual(
        values.map((value) => asked(sql, paramsOf(value), form)),
      )
    }
  })
})

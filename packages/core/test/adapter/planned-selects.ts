import type { Dialect } from '@sluice/core'
import { type ColumnType, type LookupKey, lookupKey, type RowForm, SchemaCatalog } from '@sluice/core/adapter'
import { type KeyedSelect, planSelect, type SelectPlan } from '../../src/adapter/keyed-select.ts'
import { analyzeSql } from '../../src/sql/analyze.ts'

const column = (name: string, type: ColumnType = 'integer', exactType?: string) => ({
  name,
  type,
  ...(exactType === undefined ? {} : { exactType }),
  nullable: false,
})

/** Cities in regions. */
function catalogOf(dialect: Dialect): SchemaCatalog {
  const city = {
    name: 'city',
    kind: 'table' as const,
    columns: [
      column('id'),
      column('region_id'),
      column('name', 'text'),
      column('size', 'decimal'),
      column('weight', 'float'),
      column('uid', 'uuid'),
      column('mood', 'text', 'public.mood'),
      column('tone', 'text', 'other.tone'),
      column('day', 'datetime', 'date'),
      column('moment', 'datetime'),
    ],
    primaryKey: ['id'],
    uniqueKeys: [
      ['region_id', 'name'],
      ['day', 'mood'],
    ],
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
      table: `${schema}.city`,
      columns: ['region_id'],
      references: `${schema}.region`,
      referencedColumns: ['id'],
      onDelete: 'NoAction' as const,
      onUpdate: 'NoAction' as const,
    },
  ]
  return new SchemaCatalog({ dialect, defaultSchema: schema, tables: [city, view, region], foreignKeys })
}

export function planOf(sql: string, dialect: Dialect = 'postgresql', form: RowForm = 'objects'): SelectPlan {
  const { statement } = analyzeSql(sql, dialect)
  const isPlain =
    statement.opaque === undefined &&
    statement.writes.length === 0 &&
    !statement.volatile &&
    !statement.locks &&
    statement.functions.size === 0
  const catalog = catalogOf(dialect)
  const tables = statement.reads.map((name) => catalog.idOf(name))
  const isKnown = tables.every((id) => catalog.baseTable(id) !== undefined)
  return planSelect(sql, dialect, form, catalog, {
    isPlain,
    reads: isKnown ? { tables } : { refused: 'NO_BASE_TABLE' },
  })
}

export function keyedOf(sql: string, dialect?: Dialect, form?: RowForm): KeyedSelect {
  const { keyed } = planOf(sql, dialect, form)
  if ('refused' in keyed) throw new Error(keyed.refused)
  return keyed
}

export const keys = (...values: unknown[]): LookupKey[] =>
  values.flatMap((value) => lookupKey(Array.isArray(value) ? value : [value]) ?? [])

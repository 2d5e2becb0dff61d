import { InvalidArgumentError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { type Dialect, quoteName } from '../../sql/dialect.ts'
import { coveragesOf } from '../advisor/index-coverage.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import { type IndexDefinition, sharedKeys } from '../index-definition.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { indexNameOf, literal, quotedTable } from '../names.ts'
import type { IndexStrategy } from './recommended-indexes.ts'

/** An index that a table is known to need, before its workload is known. */
export interface IndexPreset {
  readonly columns: readonly string[]
  /** Default: `btree`. */
  readonly type?: IndexStrategy['type']
  readonly unique?: boolean
  readonly primaryKey?: boolean
  /** SQL over the table's own columns: rows for which it does not hold are not in the index. */
  readonly where?: string
  /** Default: derived from the names of the table and the columns. */
  readonly name?: string
  readonly reason?: string
}

/**
 * The indexes of the example domain, by table: what is recommended for its tables before anything was
 * observed.
 */
const exampleDomain: Readonly<Record<string, readonly IndexPreset[]>> = {
  tiles: [
    { columns: ['id'], primaryKey: true },
    { columns: ['domain'] },
    { columns: ['createdBy'] },
    { columns: ['createdAt'] },
    { columns: ['domain', 'createdAt'] },
    { columns: ['title', 'content'], type: 'fulltext' },
  ],
  inferences: [
    { columns: ['id'], primaryKey: true },
    { columns: ['createdBy'] },
    { columns: ['domains'] },
    { columns: ['createdAt'] },
  ],
  users: [
    { columns: ['id'], primaryKey: true },
    { columns: ['email'], unique: true },
    { columns: ['organizationId'] },
  ],
  audit_logs: [
    { columns: ['id'], primaryKey: true },
    { columns: ['userId'] },
    { columns: ['timestamp'] },
    { columns: ['organizationId', 'timestamp'] },
  ],
}

/** The presets of tables, by name: those of the example domain, and those that the app registers. */
export class IndexPresets {
  readonly #presets = new Map<string, readonly IndexPreset[]>(Object.entries(exampleDomain))

  /** @throws InvalidArgumentError if `presets` is not an array; InvalidOptionError for an invalid preset. */
  register(table: string, presets: readonly IndexPreset[]): void {
    if (!Array.isArray(presets)) throw new InvalidArgumentError('presets', 'an array of indexes', presets)
    for (const preset of presets) checkPreset(preset)
    this.#presets.set(table, [...presets])
  }

  columnsOf(table: string): readonly string[] {
    return (this.#presets.get(table) ?? []).flatMap(({ columns }) => columns)
  }

  /** The presets that a table is not known to have. */
  recommended(place: PresetPlace, known: TableSnapshot | undefined): IndexStrategy[] {
    const presets = this.#presets.get(place.table) ?? []
    return presets
      .filter((preset) => known === undefined || !hasIndex(known, preset))
      .map((preset) => strategyOf(preset, place))
  }
}

const rules = {
  columns: {
    expected: 'an array of at least one column',
    accepts: (value: unknown) => option.strings.accepts(value) && (value as string[]).length > 0,
  },
  type: option.oneOf('btree', 'hash', 'fulltext'),
  unique: option.boolean,
  primaryKey: option.boolean,
  where: { expected: 'a string', accepts: (value: unknown) => typeof value === 'string' },
  name: { expected: 'a string', accepts: (value: unknown) => typeof value === 'string' },
  reason: { expected: 'a string', accepts: (value: unknown) => typeof value === 'string' },
}

/** @throws InvalidOptionError that names what is unknown, of the wrong type, or missing. */
function checkPreset(preset: IndexPreset): void {
  checkOptions(preset, rules, 'preset.')
  if (preset.columns === undefined)
    throw new InvalidArgumentError('preset.columns', rules.columns.expected, preset.columns)
}

/**
 * Whether a table has what a preset asks for: as its key, or as an index that begins with the columns, in
 * this order.
 */
function hasIndex(
  table: TableSnapshot,
  { columns, type, unique = false, primaryKey, where }: IndexPreset,
): boolean {
  if (primaryKey === true) return table.primaryKey.length > 0
  if (type === 'fulltext' || where !== undefined) return false
  const keys = columns.map((column) => ({ column }))
  return coveragesOf(table).some((index) => {
    const isWhole = index.where === undefined && sharedKeys(keys, index.keys) === columns.length
    return isWhole && (!unique || (index.isUnique && index.keys.length === columns.length))
  })
}

interface PresetPlace {
  readonly dialect: Dialect
  readonly table: string
}

function strategyOf(preset: IndexPreset, { dialect, table }: PresetPlace): IndexStrategy {
  const { columns, type = 'btree', where } = preset
  const isPrimary = preset.primaryKey === true
  const unique = isPrimary || preset.unique === true
  const indexName =
    preset.name ??
    indexNameOf(
      table,
      columns,
      isPrimary ? 'pkey' : type === 'fulltext' ? 'fulltext' : unique ? 'key' : 'idx',
    )
  const place = { dialect, defaultSchema: '' }
  const definition = definitionOf(preset, { dialect, table })
  const target = { schema: '', name: table }
  return {
    table,
    columns,
    indexName,
    type,
    unique,
    sparse: where !== undefined,
    indexSize: 0,
    reason:
      preset.reason ??
      `${isPrimary ? 'The primary key' : 'A preset'} of ${table}. Neither the workload nor the schema was checked.`,
    queries: [],
    estimatedGain: 0,
    writeCost: 0,
    ddl: isPrimary
      ? primaryKeySql(place, table, columns)
      : type === 'fulltext' && dialect === 'sqlite'
        ? fts5Sql(table, columns, indexName)
        : createIndexSql(place, target, definition, indexName),
    fix:
      isPrimary || (type === 'fulltext' && dialect === 'sqlite')
        ? undefined
        : { kind: 'create-index', index: definition, name: indexName },
  }
}

function definitionOf(
  { columns, type = 'btree', unique = false, where }: IndexPreset,
  { dialect, table }: PresetPlace,
): IndexDefinition {
  const filter = where === undefined ? {} : { where }
  if (type !== 'fulltext') {
    const method = type === 'hash' && dialect === 'postgresql' ? 'hash' : 'btree'
    return { table, keys: columns.map((column) => ({ column })), method, isUnique: unique, ...filter }
  }
  if (dialect !== 'postgresql')
    return { table, keys: columns.map((column) => ({ column })), method: 'fulltext', isUnique: false }
  const text = columns.map((column) => `coalesce(${quoteName(column, dialect)}, '')`).join(` || ' ' || `)
  const expression = `to_tsvector('simple'::regconfig, ${text})`
  return {
    table,
    keys: [{ column: columns[0] ?? '', expression }],
    method: 'gin',
    isUnique: false,
    ...filter,
  }
}

function primaryKeySql(
  place: { readonly dialect: Dialect; readonly defaultSchema: string },
  table: string,
  columns: readonly string[],
): string {
  const keys = columns.map((column) => quoteName(column, place.dialect)).join(', ')
  if (place.dialect === 'sqlite')
    return `-- SQLite sets the primary key when the table is created: PRIMARY KEY (${keys})`
  return `ALTER TABLE ${quotedTable(place, { schema: '', name: table })} ADD PRIMARY KEY (${keys});`
}

/** SQLite searches strings in a separate table, which triggers or the app keep up to date. */
function fts5Sql(table: string, columns: readonly string[], name: string): string {
  const keys = columns.map((column) => quoteName(column, 'sqlite')).join(', ')
  return `CREATE VIRTUAL TABLE ${quoteName(name, 'sqlite')} USING fts5(${keys}, content=${literal(table)});`
}

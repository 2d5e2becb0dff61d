import type { IndexDefinition } from '../index-definition.ts'
import { type DatabaseFacts, foldName, tableOf } from './database-facts.ts'

/** How names of indexes are made of the names of their tables and columns. */
export interface IndexNaming {
  /** Suffix of the name: `_idx`. */
  readonly suffix: string
  /** Suffix of the name of a unique index. */
  readonly uniqueSuffix: string
  /** Stem of the name. Default: the table and the columns, joined by `_`. */
  stem?(table: string, columns: readonly string[]): string
}

/** `city_region_id_idx`, and `city_code_key` for a unique index. */
export const DEFAULT_NAMING: IndexNaming = { suffix: '_idx', uniqueSuffix: '_key' }

/**
 * The longest names: PostgreSQL cuts others off at 63 bytes, MySQL refuses them from 65 characters on, SQLite
 * has no limit.
 */
const MAX_NAME_BYTES = { postgresql: 63, mysql: 64, mariadb: 64, sqlite: 10_000 } as const

/**
 * The name that the ORM would give an index: `city_region_id_idx`. The same index has the same name at any
 * time.
 *
 * @param taken - Names that are given already. A name that is among them gets a number:
 *   `city_region_id_2_idx`.
 */
export function indexName(
  index: IndexDefinition,
  taken: Iterable<string>,
  facts: DatabaseFacts,
  naming: IndexNaming = DEFAULT_NAMING,
): string {
  const used = new Set([...taken].map((name) => foldName(facts, name)))
  const columns = index.keys.map((key) => key.column)
  const { name: table } = tableOf(facts, index.table)
  for (let number = 1; ; number += 1) {
    const name = conventionalName({ table, columns, isUnique: index.isUnique, number }, facts, naming)
    if (!used.has(foldName(facts, name))) return name
  }
}

/** The name without regard to others. `number`, from 2 on, is put in where the plain one is taken. */
export function conventionalName(
  of: {
    readonly table: string
    readonly columns: readonly string[]
    readonly isUnique: boolean
    readonly number?: number
  },
  facts: Pick<DatabaseFacts, 'product'>,
  naming: IndexNaming,
): string {
  const number = of.number === undefined || of.number === 1 ? '' : `_${of.number}`
  const suffix = `${number}${of.isUnique ? naming.uniqueSuffix : naming.suffix}`
  const stem = naming.stem?.(of.table, of.columns) ?? [of.table, ...of.columns].join('_')
  return cut(stem, MAX_NAME_BYTES[facts.product] - suffix.length) + suffix
}

/** The longest beginning that fits, without half a character at its end. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let shortened = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    shortened += character
  }
  return shortened
}

export interface IndexNamerOptions {
  /** How indexes are named. Default: `table_column_idx`. */
  readonly naming?: IndexNaming
  /**
   * Names that an index must not have, besides those of the database: of what a project's files say, and the
   * database may lack as yet.
   */
  readonly takenNames?: (index: IndexDefinition) => Iterable<string>
}

/**
 * Names new indexes, each otherwise than those before and those of the database.
 *
 * @param taken - Names that others have been given.
 */
export function indexNamer(
  facts: DatabaseFacts,
  { naming, takenNames }: IndexNamerOptions,
  taken: Iterable<string> = [],
): (index: IndexDefinition) => string {
  const names = new Set([...facts.tables.flatMap(({ indexes }) => indexes.map(({ name }) => name)), ...taken])
  return (index) => {
    const name = indexName(index, [...names, ...(takenNames?.(index) ?? [])], facts, naming)
    names.add(name)
    return name
  }
}

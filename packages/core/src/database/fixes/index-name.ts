import type { IndexDefinition } from '../index-definition.ts'
import { type DatabaseFacts, foldName, tableOf } from './database-facts.ts'

/** Whose way of naming indexes is followed. */
export type NamingConvention = 'prisma' | 'knex'

/** The longest names: PostgreSQL cuts others off at 63 bytes, MySQL refuses them from 65 characters on, SQLite has no limit. */
const MAX_NAME_BYTES = { postgresql: 63, mysql: 64, mariadb: 64, sqlite: 10_000 } as const

const SUFFIXES = { prisma: { index: '_idx', unique: '_key' }, knex: { index: '_index', unique: '_unique' } } as const

/**
 * The name that the ORM would give an index: `city_region_id_idx` (Prisma), `city_region_id_index` (Knex).
 * The same index has the same name at any time.
 *
 * @param taken - Names that are given already. A name that is among them gets a number: `city_region_id_2_idx`.
 */
export function indexName(index: IndexDefinition, taken: Iterable<string>, facts: DatabaseFacts, convention: NamingConvention): string {
  const given = new Set([...taken].map((name) => foldName(facts, name)))
  const columns = index.keys.map((key) => key.column)
  const { name: table } = tableOf(facts, index.table)
  for (let number = 1; ; number += 1) {
    const name = conventionalName({ table, columns, isUnique: index.isUnique, number }, facts, convention)
    if (!given.has(foldName(facts, name))) return name
  }
}

/** The name without regard to others. `number`, from 2 on, is put in where the plain one is taken. */
export function conventionalName(
  of: { readonly table: string; readonly columns: readonly string[]; readonly isUnique: boolean; readonly number?: number },
  facts: Pick<DatabaseFacts, 'product'>,
  convention: NamingConvention,
): string {
  const kind = of.isUnique ? 'unique' : 'index'
  const number = of.number === undefined || of.number === 1 ? '' : `_${of.number}`
  const suffix = `${number}${SUFFIXES[convention][kind]}`
  const table = convention === 'knex' ? of.table.replace(/[.-]/g, '_') : of.table
  const stem = [table, ...of.columns].join('_')
  return cut(convention === 'knex' ? stem.toLowerCase() : stem, MAX_NAME_BYTES[facts.product] - suffix.length) + suffix
}

/** The longest beginning that fits, without half a character at its end. */
function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let kept = ''
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) break
    kept += character
  }
  return kept
}

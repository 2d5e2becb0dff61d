import type { TableId } from '../../schema/catalog-data.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'

/** Facts that determine the SQL of a change. A snapshot contains them all. */
export type DatabaseFacts = Pick<DatabaseSnapshot, 'product' | 'versionParts' | 'defaultSchema' | 'tables'>

export interface NamedTable {
  readonly schema: string
  readonly name: string
  readonly isInDefaultSchema: boolean
  /** Omitted if the facts do not contain the table. */
  readonly snapshot?: TableSnapshot
}

/** A table as the database writes it: an id is folded to lower case on SQLite and MySQL. */
export function tableOf(facts: DatabaseFacts, id: TableId): NamedTable {
  const snapshot = facts.tables.find((table) => table.id === id)
  if (snapshot !== undefined) return named(facts, snapshot.schema, snapshot.name, snapshot)
  const known = id.toLowerCase().startsWith(`${facts.defaultSchema.toLowerCase()}.`)
    ? facts.defaultSchema.length
    : id.indexOf('.')
  return known <= 0
    ? named(facts, facts.defaultSchema, id)
    : named(facts, id.slice(0, known), id.slice(known + 1))
}

/** Whether two names are one to the database. */
export function isSameName(facts: Pick<DatabaseFacts, 'product'>, left: string, right: string): boolean {
  return foldName(facts, left) === foldName(facts, right)
}

/** A name as the database compares it: of indexes everywhere, of tables and columns on all but PostgreSQL. */
export function foldName({ product }: Pick<DatabaseFacts, 'product'>, name: string): string {
  return product === 'postgresql' ? name : name.toLowerCase()
}

function named(facts: DatabaseFacts, schema: string, name: string, snapshot?: TableSnapshot): NamedTable {
  return {
    schema,
    name,
    isInDefaultSchema: isSameName(facts, schema, facts.defaultSchema),
    ...(snapshot === undefined ? {} : { snapshot }),
  }
}

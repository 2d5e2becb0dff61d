import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { indexName, type NamingConvention } from './index-name.ts'

export interface IndexNamerOptions {
  /** How indexes are named. @defaultValue 'prisma' */
  readonly naming?: NamingConvention
  /** Names that an index must not have, besides those of the database: of what a project's files say, and the database may lack as yet. */
  readonly takenNames?: (index: IndexDefinition) => Iterable<string>
}

/**
 * Names new indexes, each otherwise than those before and those of the database.
 *
 * @param given - Names that others have been given.
 */
export function indexNamer(
  facts: DatabaseFacts,
  { naming = 'prisma', takenNames }: IndexNamerOptions,
  given: Iterable<string> = [],
): (index: IndexDefinition) => string {
  const names = new Set([...facts.tables.flatMap(({ indexes }) => indexes.map(({ name }) => name)), ...given])
  return (index) => {
    const name = indexName(index, [...names, ...(takenNames?.(index) ?? [])], facts, naming)
    names.add(name)
    return name
  }
}

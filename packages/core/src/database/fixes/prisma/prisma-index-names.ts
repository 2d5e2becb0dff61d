import type { IndexDefinition } from '../../index-definition.ts'
import { type DatabaseFacts, tableOf } from '../database-facts.ts'
import { covers } from './covering-index.ts'
import { wantedIndex } from './prisma-index-line.ts'
import { indexesOf, isModelOf } from './prisma-model.ts'
import { readPrismaSchema } from './read-prisma-schema.ts'
import type { SchemaFile } from './schema-file.ts'

/**
 * The names that indexes have in a schema: those that another must not have.
 *
 * @param except - Whose own line does not count: the schema may have the index already, and only the database lack it.
 */
export function prismaIndexNames(files: readonly SchemaFile[], facts: DatabaseFacts, except?: IndexDefinition): string[] {
  const schema = readPrismaSchema(files, facts)
  return schema.models.flatMap((model) => {
    const indexes = indexesOf(model)
    if (except === undefined || !isModelOf(model, tableOf(facts, except.table), facts)) return indexes.map(({ name }) => name)
    const wanted = wantedIndex(except, '', model, schema, facts)
    return indexes.filter((index) => !('index' in wanted && covers(index, wanted.index))).map(({ name }) => name)
  })
}

import { InvalidArgumentError } from '../../../shared/errors.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import { type DatabaseFacts, tableOf } from '../database-facts.ts'
import { placeOf, quoteIn, type SqlStep } from './change-sql.ts'

/** `CREATE INDEX IF NOT EXISTS`. The whole file is locked for writes meanwhile. */
export function createSqliteIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  check(index)
  const table = tableOf(facts, index.table)
  const what = `INDEX IF NOT EXISTS ${quoteIn(table, name, 'sqlite')} ON ${quoteName(table.name, 'sqlite')} ${indexBodySql(index, 'sqlite')}`
  const sql = `CREATE ${index.isUnique ? 'UNIQUE ' : ''}${what}`
  return [{ sql, isConcurrent: false, creates: placeOf(table, name) }]
}

export function dropSqliteIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  return [
    {
      sql: `DROP INDEX IF EXISTS ${quoteIn(table, name, 'sqlite')}`,
      isConcurrent: false,
      drops: placeOf(table, name),
    },
  ]
}

function check({ method, keys, include = [] }: IndexDefinition): void {
  if (method !== 'btree') throw new InvalidArgumentError('index.method', 'btree on SQLite', method)
  if (include.length > 0) throw new InvalidArgumentError('index.include', 'no columns on SQLite', include)
  for (const { operatorClass, nulls, prefixLength } of keys) {
    const foreign = operatorClass ?? nulls ?? prefixLength
    if (foreign !== undefined)
      throw new InvalidArgumentError(
        'index.keys',
        'neither operator class, NULLS nor length on SQLite',
        foreign,
      )
  }
}

import { InvalidArgumentError } from '../../shared/errors.ts'
import { quoteName } from '../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../index-definition.ts'
import { type DatabaseFacts, isSameName, tableOf } from './database-facts.ts'
import {
  type ChangeSql,
  createMysqlSteps,
  createPostgresqlSteps,
  dropMysqlSteps,
  dropPostgresqlSteps,
  indexPlace,
  mysqlNotes,
  quoteIn,
  type SqlStep,
} from './index-sql.ts'

/** A change of the schema that the advisor proposes. */
export type SchemaChange = CreateIndexChange | DropIndexChange

export interface CreateIndexChange {
  readonly kind: 'create-index'
  readonly index: IndexDefinition
  readonly name: string
  /** Why, in a sentence: it becomes a comment where the change is written. */
  readonly reason?: string
}

export interface DropIndexChange {
  readonly kind: 'drop-index'
  /** The existing definition, so that the change can be reverted. */
  readonly index: IndexDefinition
  readonly name: string
  /** Why, in a sentence. */
  readonly reason?: string
}

interface IndexSql {
  create(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[]
  drop(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[]
  notes?(index: IndexDefinition, facts: DatabaseFacts): string[]
}

const mysql: IndexSql = { create: createMysqlSteps, drop: dropMysqlSteps, notes: mysqlNotes }

const indexSql: Readonly<Record<DatabaseFacts['product'], IndexSql>> = {
  postgresql: { create: createPostgresqlSteps, drop: dropPostgresqlSteps },
  mysql,
  mariadb: mysql,
  sqlite: { create: createSqliteSteps, drop: dropSqliteSteps },
}

/**
 * A change as the database's own statements, with those that take it back.
 *
 * @throws InvalidArgumentError for an index that the database cannot have, and for dropping one that a
 *   constraint needs.
 */
export function schemaChangeSql(change: SchemaChange, facts: DatabaseFacts): ChangeSql {
  const { index, name } = change
  const { create, drop, notes } = indexSql[facts.product]
  if (index.keys.length === 0) throw new InvalidArgumentError('index.keys', 'at least one', index.keys)
  if (change.kind === 'create-index') {
    return {
      steps: create(index, name, facts),
      undo: drop(index, name, facts),
      notes: notes?.(index, facts) ?? [],
    }
  }
  const existing = tableOf(facts, index.table).snapshot?.indexes.find((candidate) =>
    isSameName(facts, candidate.name, name),
  )
  if (existing?.isPrimary === true || existing?.isConstraint === true) {
    throw new InvalidArgumentError('change.name', 'an index that no constraint needs', name)
  }
  return { steps: drop(index, name, facts), undo: create(index, name, facts), notes: [] }
}

/** `CREATE INDEX IF NOT EXISTS`. The whole file is locked for writes meanwhile. */
function createSqliteSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  check(index)
  const table = tableOf(facts, index.table)
  const what = `INDEX IF NOT EXISTS ${quoteIn(table, name, 'sqlite')} ON ${quoteName(table.name, 'sqlite')} ${indexBodySql(index, 'sqlite')}`
  const sql = `CREATE ${index.isUnique ? 'UNIQUE ' : ''}${what}`
  return [{ sql, isConcurrent: false, creates: indexPlace(table, name) }]
}

function dropSqliteSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  return [
    {
      sql: `DROP INDEX IF EXISTS ${quoteIn(table, name, 'sqlite')}`,
      isConcurrent: false,
      drops: indexPlace(table, name),
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

import { InvalidArgumentError } from '../../../shared/errors.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { type DatabaseFacts, type NamedTable, tableOf } from '../database-facts.ts'
import { indexName } from '../index-name.ts'
import { placeOf, quoteIn, type SqlStep } from './change-sql.ts'

/** Operator classes that an extension brings. */
const EXTENSIONS: Readonly<Record<string, string>> = { gin_trgm_ops: 'pg_trgm', gist_trgm_ops: 'pg_trgm' }

/** `CREATE INDEX CONCURRENTLY`, which does not block writes. */
export function createPostgresqlIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  check(index)
  const table = tableOf(facts, index.table)
  const extensions = new Set(index.keys.flatMap(({ operatorClass }) => EXTENSIONS[operatorClass ?? ''] ?? []))
  const before = [...extensions].map((extension) => ({
    sql: `CREATE EXTENSION IF NOT EXISTS ${extension}`,
    isConcurrent: false,
  }))
  if (table.snapshot?.kind === 'partitioned') return [...before, ...onPartitions(index, name, facts, table)]
  return [...before, create(index, name, table, 'CONCURRENTLY')]
}

/** `DROP INDEX CONCURRENTLY`, which waits for reads that use it, without blocking others. */
export function dropPostgresqlIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  const isConcurrent = table.snapshot?.kind !== 'partitioned'
  const sql = `DROP INDEX ${isConcurrent ? 'CONCURRENTLY ' : ''}IF EXISTS ${quoteIn(table, name, 'postgresql')}`
  return [{ sql, isConcurrent, drops: placeOf(table, name) }]
}

/**
 * Partitioned tables do not support CONCURRENTLY: creates an invalid index on the table, then one for each
 * partition, and attaches them.
 */
function onPartitions(
  index: IndexDefinition,
  name: string,
  facts: DatabaseFacts,
  parent: NamedTable,
): SqlStep[] {
  const taken = new Set(facts.tables.flatMap((table) => table.indexes.map((existing) => existing.name)))
  taken.add(name)
  const creates: SqlStep[] = []
  const concurrent: SqlStep[] = []
  const attaches: SqlStep[] = []
  const visit = (table: NamedTable, own: string) => {
    creates.push(create(index, own, table, 'ONLY'))
    for (const partition of partitionsOf(facts, table.snapshot)) {
      const part = tableOf(facts, partition.id)
      const partName = indexName({ ...index, table: partition.id }, taken, facts)
      taken.add(partName)
      if (partitionsOf(facts, partition).length > 0) visit(part, partName)
      else concurrent.push(create(index, partName, part, 'CONCURRENTLY'))
      const sql = `ALTER INDEX ${quoteIn(table, own, 'postgresql')} ATTACH PARTITION ${quoteIn(part, partName, 'postgresql')}`
      attaches.push({ sql, isConcurrent: false })
    }
  }
  visit(parent, name)
  return [...creates, ...concurrent, ...attaches]
}

function partitionsOf(facts: DatabaseFacts, parent: TableSnapshot | undefined): readonly TableSnapshot[] {
  return facts.tables.filter((table) => table.parent !== undefined && table.parent === parent?.id)
}

function create(
  index: IndexDefinition,
  name: string,
  table: NamedTable,
  how: 'CONCURRENTLY' | 'ONLY',
): SqlStep {
  const sql = [
    `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX${how === 'CONCURRENTLY' ? ' CONCURRENTLY' : ''} ${quoteName(name, 'postgresql')}`,
    ` ON ${how === 'ONLY' ? 'ONLY ' : ''}${quoteIn(table, table.name, 'postgresql')}`,
    ` ${indexBodySql(index, 'postgresql')}`,
  ].join('')
  return { sql, isConcurrent: how === 'CONCURRENTLY', creates: placeOf(table, name) }
}

function check({ method, keys }: IndexDefinition): void {
  if (method === 'fulltext' || method === 'spatial' || method === 'other') {
    throw new InvalidArgumentError(
      'index.method',
      'btree, hash, gin, gist, brin or spgist on PostgreSQL',
      method,
    )
  }
  const prefix = keys.find((key) => key.prefixLength !== undefined)?.prefixLength
  if (prefix !== undefined)
    throw new InvalidArgumentError('index.keys.prefixLength', 'none on PostgreSQL', prefix)
}

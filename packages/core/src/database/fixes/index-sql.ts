import { InvalidArgumentError } from '../../shared/errors.ts'
import { type Dialect, quoteName } from '../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../index-definition.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import { type DatabaseFacts, isSameName, type NamedTable, tableOf } from './database-facts.ts'
import { indexName } from './index-name.ts'

/** A change as statements, and what takes it back. */
export interface ChangeSql {
  readonly steps: readonly SqlStep[]
  readonly undo: readonly SqlStep[]
  /** Notes for the person who runs them: one sentence each. */
  readonly notes: readonly string[]
}

export interface SqlStep {
  /** One statement, without a semicolon. */
  readonly sql: string
  /** PostgreSQL executes it only outside transactions, and alone in its message. */
  readonly isConcurrent: boolean
  /** The index that exists afterwards. */
  readonly creates?: IndexPlace
  /** The index that is no longer there afterwards. */
  readonly drops?: IndexPlace
}

export interface IndexPlace {
  /** Default: that of the connection. */
  readonly schema?: string
  readonly table: string
  readonly name: string
}

/**
 * Lock timeouts on PostgreSQL. A statement that waits for a lock on the whole table blocks all later ones, so
 * it gives up soon. A concurrent build waits for open transactions without blocking others: it has more time,
 * because a timeout discards all of its work.
 */
export const LOCK_TIMEOUT = { concurrent: '5min', blocking: '5s' } as const

export function indexPlace(table: NamedTable, name: string): IndexPlace {
  return { ...(table.isInDefaultSchema ? {} : { schema: table.schema }), table: table.name, name }
}

/** A name in the schema of a table, which is written only where it is not the default one. */
export function quoteIn({ schema, isInDefaultSchema }: NamedTable, name: string, dialect: Dialect): string {
  return isInDefaultSchema
    ? quoteName(name, dialect)
    : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}

/** Operator classes that an extension brings. */
const EXTENSIONS: Readonly<Record<string, string>> = { gin_trgm_ops: 'pg_trgm', gist_trgm_ops: 'pg_trgm' }

/** `CREATE INDEX CONCURRENTLY`, which does not block writes. */
export function createPostgresqlSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  checkPostgresqlIndex(index)
  const table = tableOf(facts, index.table)
  const extensions = new Set(index.keys.flatMap(({ operatorClass }) => EXTENSIONS[operatorClass ?? ''] ?? []))
  const before = [...extensions].map((extension) => ({
    sql: `CREATE EXTENSION IF NOT EXISTS ${extension}`,
    isConcurrent: false,
  }))
  if (table.snapshot?.kind === 'partitioned') return [...before, ...onPartitions(index, name, facts, table)]
  return [...before, createIndex(index, name, table, 'CONCURRENTLY')]
}

/** `DROP INDEX CONCURRENTLY`, which waits for reads that use it, without blocking others. */
export function dropPostgresqlSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  const isConcurrent = table.snapshot?.kind !== 'partitioned'
  const sql = `DROP INDEX ${isConcurrent ? 'CONCURRENTLY ' : ''}IF EXISTS ${quoteIn(table, name, 'postgresql')}`
  return [{ sql, isConcurrent, drops: indexPlace(table, name) }]
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
    creates.push(createIndex(index, own, table, 'ONLY'))
    for (const partition of partitionsOf(facts, table.snapshot)) {
      const part = tableOf(facts, partition.id)
      const partName = indexName({ ...index, table: partition.id }, taken, facts)
      taken.add(partName)
      if (partitionsOf(facts, partition).length > 0) visit(part, partName)
      else concurrent.push(createIndex(index, partName, part, 'CONCURRENTLY'))
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

function createIndex(
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
  return { sql, isConcurrent: how === 'CONCURRENTLY', creates: indexPlace(table, name) }
}

function checkPostgresqlIndex({ method, keys }: IndexDefinition): void {
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

const quote = (name: string) => quoteName(name, 'mysql')

/** Types of which a key contains only the beginning. */
const LONG_TYPE = /^(tiny|medium|long)?(text|blob)\b/i

/** `ALTER TABLE … ADD INDEX`, in place and with writes going on, or not at all. */
export function createMysqlSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  checkMysqlIndex(index, facts, table)
  const kind =
    index.method === 'fulltext'
      ? 'FULLTEXT '
      : index.method === 'spatial'
        ? 'SPATIAL '
        : index.isUnique
          ? 'UNIQUE '
          : ''
  const storesOrder = index.method === 'btree' && storesDescending(facts)
  const keys = storesOrder ? index.keys : index.keys.map((key) => ({ ...key, isDescending: false }))
  const what = `ADD ${kind}INDEX ${quote(name)} ${indexBodySql({ ...index, keys }, 'mysql')}`
  return [alter(table, what, hasOwnStructure(index) ? 'SHARED' : 'NONE', { creates: name })]
}

export function dropMysqlSteps(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  return [alter(tableOf(facts, index.table), `DROP INDEX ${quote(name)}`, 'NONE', { drops: name })]
}

/** Effects of creating it on MySQL or MariaDB on other sessions. */
export function mysqlNotes(index: IndexDefinition, facts: DatabaseFacts): string[] {
  const notes: string[] = []
  if (hasOwnStructure(index))
    notes.push(
      'The table can be read, but not written, while the index is built: the server does not support concurrent builds of this kind of index.',
    )
  if (index.method === 'fulltext') {
    notes.push(
      'The first FULLTEXT index of a table adds a hidden column FTS_DOC_ID, which rebuilds the whole table.',
    )
  }
  if (index.keys.some((key) => key.isDescending === true) && !storesDescending(facts)) {
    notes.push('This version stores every index in ascending order, and reads it backwards.')
  }
  return notes
}

function alter(
  table: NamedTable,
  what: string,
  lock: 'NONE' | 'SHARED',
  index: { readonly creates?: string; readonly drops?: string },
): SqlStep {
  return {
    sql: `ALTER TABLE ${quoteIn(table, table.name, 'mysql')} ${what}, ALGORITHM=INPLACE, LOCK=${lock}`,
    isConcurrent: false,
    ...(index.creates === undefined ? {} : { creates: indexPlace(table, index.creates) }),
    ...(index.drops === undefined ? {} : { drops: indexPlace(table, index.drops) }),
  }
}

/** Earlier versions read DESC and forget it. */
function storesDescending({ product, versionParts: [major, minor] }: DatabaseFacts): boolean {
  return product === 'mysql' ? major >= 8 : major > 10 || (major === 10 && minor >= 8)
}

function hasOwnStructure({ method }: IndexDefinition): boolean {
  return method === 'fulltext' || method === 'spatial'
}

function checkMysqlIndex(index: IndexDefinition, facts: DatabaseFacts, table: NamedTable): void {
  const where = facts.product === 'mysql' ? 'on MySQL' : 'on MariaDB'
  const { method, keys, include = [] } = index
  if (!['btree', 'fulltext', 'spatial'].includes(method)) {
    throw new InvalidArgumentError('index.method', `btree, fulltext or spatial ${where}`, method)
  }
  if (index.where !== undefined)
    throw new InvalidArgumentError(
      'index.where',
      `no condition ${where}, which has no partial indexes`,
      index.where,
    )
  if (include.length > 0) throw new InvalidArgumentError('index.include', `no columns ${where}`, include)
  for (const { column, expression, prefixLength, operatorClass, collation, nulls } of keys) {
    const [major, minor, patch] = facts.versionParts
    const hasExpressions =
      facts.product === 'mysql' && (major > 8 || (major === 8 && (minor > 0 || patch >= 13)))
    if (expression !== undefined && !hasExpressions)
      throw new InvalidArgumentError('index.keys.expression', `none ${where} of this version`, expression)
    const foreign = operatorClass ?? collation ?? nulls
    if (foreign !== undefined)
      throw new InvalidArgumentError(
        'index.keys',
        `neither operator class, collation nor NULLS ${where}`,
        foreign,
      )
    const type =
      table.snapshot?.columns.find((candidate) => isSameName(facts, candidate.name, column))?.databaseType ??
      ''
    if (
      method === 'btree' &&
      expression === undefined &&
      prefixLength === undefined &&
      LONG_TYPE.test(type)
    ) {
      throw new InvalidArgumentError(
        'index.keys.prefixLength',
        `the number of indexed characters of ${column}, because its type is ${type}`,
        prefixLength,
      )
    }
  }
}

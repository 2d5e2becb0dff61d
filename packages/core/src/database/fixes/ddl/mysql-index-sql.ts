import { InvalidArgumentError } from '../../../shared/errors.ts'
import { quoteName } from '../../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import { type DatabaseFacts, isSameName, type NamedTable, tableOf } from '../database-facts.ts'
import { placeOf, quoteIn, type SqlStep } from './change-sql.ts'

const quote = (name: string) => quoteName(name, 'mysql')

/** Types of which a key contains only the beginning. */
const LONG_TYPE = /^(tiny|medium|long)?(text|blob)\b/i

/** `ALTER TABLE … ADD INDEX`, in place and with writes going on, or not at all. */
export function createMysqlIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
  const table = tableOf(facts, index.table)
  check(index, facts, table)
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

export function dropMysqlIndex(index: IndexDefinition, name: string, facts: DatabaseFacts): SqlStep[] {
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
    ...(index.creates === undefined ? {} : { creates: placeOf(table, index.creates) }),
    ...(index.drops === undefined ? {} : { drops: placeOf(table, index.drops) }),
  }
}

/** Earlier versions read DESC and forget it. */
function storesDescending({ product, versionParts: [major, minor] }: DatabaseFacts): boolean {
  return product === 'mysql' ? major >= 8 : major > 10 || (major === 10 && minor >= 8)
}

function hasOwnStructure({ method }: IndexDefinition): boolean {
  return method === 'fulltext' || method === 'spatial'
}

function check(index: IndexDefinition, facts: DatabaseFacts, table: NamedTable): void {
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

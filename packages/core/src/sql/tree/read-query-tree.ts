import type { Dialect } from '../dialect.ts'
import { queriesAndWrites } from '../keywords.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import { TokenMap } from '../token-map.ts'
import { tokenize } from '../tokenize.ts'
import type { QueryTree } from './query-tree.ts'
import { readQuery } from './read-query.ts'
import { readWrite } from './read-write-block.ts'
import { TreeCursor, type TreeReaders } from './tree-cursor.ts'

/** Characters. A statement is read in time that grows with its length alone; a longer one is a load of data. */
const MAX_LENGTH = 500_000

const readers: TreeReaders = { query: readQuery, write: readWrite }

/**
 * Reads one SELECT, VALUES, INSERT, REPLACE, UPDATE or DELETE as a tree of blocks.
 *
 * @throws SqlSyntaxError on whatever it cannot read for certain, other statements among it.
 */
export function readQueryTree(sql: string, dialect: Dialect): QueryTree {
  if (sql.length > MAX_LENGTH) throw new SqlSyntaxError('statement too long')
  const tokens = tokenize(sql, dialect)
  while (tokens.at(-1)?.text === ';') tokens.pop()
  const cursor = new TreeCursor(new TokenMap(tokens, dialect), readers)
  if (!cursor.isAny(queriesAndWrites) && !cursor.isSymbol('(')) cursor.fail('query expected')
  const root = readQuery(cursor, undefined, undefined)
  if (cursor.token() !== undefined) cursor.fail(`unexpected token ${cursor.position}`)
  return { sql, dialect, tokens, root, writes: cursor.writes, parameters: cursor.parameters, places: cursor.places }
}

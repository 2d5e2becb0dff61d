import type { Dialect } from '../dialect.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import { tokenize } from '../tokenize.ts'
import type { QueryTree } from './query-tree.ts'
import { parseSql } from './read-sql.ts'

/** Characters. Parsing takes time in proportion to the length; a longer statement is a load of data, and nobody needs its tree. */
const MAX_LENGTH = 500_000

/**
 * Reads one SELECT, VALUES, INSERT, REPLACE, UPDATE or DELETE as a tree of blocks.
 *
 * @throws SqlSyntaxError for whatever it cannot read for certain, and for all other statements.
 */
export function readQueryTree(sql: string, dialect: Dialect): QueryTree {
  if (sql.length > MAX_LENGTH) throw new SqlSyntaxError('statement too long')
  const tokens = tokenize(sql, dialect)
  while (tokens.at(-1)?.text === ';') tokens.pop()
  const { incomplete, statements, roots, writes, parameters, places } = parseSql(tokens, dialect)
  if (incomplete !== undefined) throw new SqlSyntaxError(incomplete)
  const [root] = roots
  if (root === undefined || statements > 1) throw new SqlSyntaxError('one query expected')
  return { sql, dialect, tokens, root, writes, parameters, places }
}

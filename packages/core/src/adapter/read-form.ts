import type { Dialect } from '../sql/dialect.ts'
import { literalParameters } from '../sql/literal-parameters.ts'

/** A query as Sluice reads it. */
export interface ReadForm {
  readonly sql: string
  readonly params: readonly unknown[]
  /** Whether the parameters are literals in the text of the query. */
  readonly hasLiterals: boolean
}

/**
 * Returns a query as Sluice reads it.
 *
 * @param writesLiterals - Whether its ORM writes values into the text of selects.
 */
export function readForm(
  dialect: Dialect,
  sql: string,
  params: readonly unknown[],
  writesLiterals: boolean,
): ReadForm {
  const literals = writesLiterals && params.length === 0 ? literalParameters(sql, dialect) : undefined
  return literals === undefined ? { sql, params, hasLiterals: false } : { ...literals, hasLiterals: true }
}

import type { Dialect } from '../sql/dialect.ts'
import { literalParameters } from '../sql/literal-parameters.ts'

/** A query as Sluice reads it. */
export interface ReadForm {
  readonly sql: string
  readonly params: readonly unknown[]
  /**
   * PostgreSQL: the index of the first parameter that is a literal in the text of the query, and so are the
   * ones after it. On MySQL, the literals are among the others. `undefined` if there are none.
   */
  readonly literalsFrom: number | undefined
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
  const literals = writesLiterals ? literalParameters(sql, dialect, params) : undefined
  return literals === undefined
    ? { sql, params, literalsFrom: undefined }
    : { ...literals, literalsFrom: params.length }
}

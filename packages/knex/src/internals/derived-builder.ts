import type { Knex } from 'knex'
import type { BuilderInternals, Statement } from './types.ts'

/**
 * A copy that lists rows, without its limit, and without some of its statements. The original builder is not
 * modified.
 *
 * @param statements - Its statements, with groups flattened.
 * @param includes - Whether to keep a statement, by its index.
 */
export function asListing(
  builder: BuilderInternals,
  statements: readonly Statement[],
  includes: (at: number) => boolean,
): Knex.QueryBuilder {
  const listing = builder.clone()
  const included = statements.filter((_, at) => includes(at)).map(asColumns)
  Object.assign(listing, { _method: 'select', _statements: included })
  const single = listing._single as Record<string, unknown>
  delete single.limit
  delete single.offset
  delete single.skipBinding
  delete single.pluck
  return listing
}

/**
 * A copy with different values that selects whole rows. The original builder is not modified.
 *
 * @param statements - Its statements, with groups flattened.
 * @param values - By the index of the condition.
 */
export function asRows(
  builder: BuilderInternals,
  statements: readonly Statement[],
  values: ReadonlyMap<number, unknown>,
): Knex.QueryBuilder {
  const rows = builder.clone()
  const changed = statements.map((statement, at) =>
    values.has(at) ? { ...statement, value: values.get(at) } : statement,
  )
  Object.assign(rows, {
    _method: 'select',
    _statements: changed.filter(({ grouping }) => grouping !== 'columns'),
  })
  delete (rows._single as Record<string, unknown>).pluck
  return rows
}

/** Converts a `pluck` of a column into its select. */
function asColumns(statement: Statement): Statement {
  return statement.type === 'pluck' ? { grouping: 'columns', value: [statement.value] } : statement
}

/** A new builder of the same client and query context. */
export function emptyLike(builder: BuilderInternals): Knex.QueryBuilder {
  const empty = builder.clone()
  Object.assign(empty, { _method: 'select', _statements: [], _single: {} })
  return empty
}

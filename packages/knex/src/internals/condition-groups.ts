import type { BuilderInternals, Statement } from './types.ts'

/** Levels of groups that are flattened. Deeper groups pass through. */
const MAX_DEPTH = 8

/**
 * A builder's statements, with each group (`where((group) => …)`) replaced by its conditions. Within
 * conditions combined by AND, a group of conditions combined by AND is equal to its conditions.
 *
 * @returns `undefined` for a group that is negated, an alternative, or more than conditions.
 */
export function flatStatements(builder: BuilderInternals): readonly Statement[] | undefined {
  const { _statements: statements = [] } = builder
  if (!statements.some(isGroup)) return statements
  // Knex compiles a group without the query context: names in it can be different from names outside it.
  const isRenamed = typeof builder.client.config.wrapIdentifier === 'function'
  if (isRenamed && builder.queryContext() !== undefined) return undefined
  return flattened(builder, statements, 0)
}

function flattened(
  builder: BuilderInternals,
  statements: readonly Statement[],
  depth: number,
): readonly Statement[] | undefined {
  const flat: Statement[] = []
  for (const statement of statements) {
    if (!isGroup(statement)) {
      flat.push(statement)
      continue
    }
    const inner = depth < MAX_DEPTH ? conditionsOf(builder, statement) : undefined
    const conditions = inner && flattened(builder, inner, depth + 1)
    if (conditions === undefined) return undefined
    flat.push(...conditions)
  }
  return flat
}

function isGroup({ grouping, type }: Statement): boolean {
  return grouping === 'where' && type === 'whereWrapped'
}

/** Calls the function of a group like Knex does when it compiles the group. */
function conditionsOf(
  { client }: BuilderInternals,
  { value, not, bool }: Statement,
): readonly Statement[] | undefined {
  if (typeof value !== 'function' || not !== false || bool !== 'and') return undefined
  const group = client.queryBuilder()
  try {
    value.call(group, group)
  } catch {
    // Knex calls the function again, and its caller gets the error.
    return undefined
  }
  const { _method: method, _single: single = {}, _statements: statements = [] } = group
  const isPlain = method === 'select' && Object.values(single).every((clause) => clause === undefined)
  return isPlain && statements.every(({ grouping }) => grouping === 'where') ? statements : undefined
}

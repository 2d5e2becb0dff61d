import type { AppSources, Found } from './app-sources.ts'
import { bare, child, children, isFunction, memberOf, nameOf, type Syntax, walk } from './source-module.ts'

/** Model methods of Prisma, some of which Drizzle's `db.query` also has. */
const PRISMA_CALLS =
  /^(?:findMany|findUnique|findUniqueOrThrow|findFirst|findFirstOrThrow|createMany|createManyAndReturn|updateMany|updateManyAndReturn|deleteMany|upsert)$/

/**
 * Whether code demonstrably queries a database through Prisma, Knex, Drizzle or Kysely, either directly or in
 * functions of the app that it references. Returns `false` if this is unknown.
 */
export function queriesDatabase(sources: AppSources, found: Found, seen: Set<Syntax> = new Set()): boolean {
  const { module, node } = found
  if (seen.has(node) || seen.size > 500) return false
  seen.add(node)
  let isFound = false
  walk(node, (inner, above) => {
    if (isFound || inner.type.startsWith('TS')) return false
    if (inner.type === 'CallExpression' && isQuery(sources, { module, node: inner })) isFound = true
    const isChain = isNameChain(inner)
    if (!isFound && isChain && isRead(inner, above.at(-1)))
      isFound = runsQuery(sources, { module, node: inner }, seen)
    // `a.b.c` was resolved as a whole. Other members of `a` do not matter.
    return isChain ? false : undefined
  })
  return isFound
}

/** Whether a call of the named function runs a query. Excludes values that the app loaded at startup. */
function runsQuery(sources: AppSources, found: Found, seen: Set<Syntax>): boolean {
  const target = sources.resolve(found)
  if (target === undefined || !('node' in target) || target.node === found.node) return false
  const { module, node } = target
  if (isFunction(node)) return queriesDatabase(sources, target, seen)
  // `asyncHandler(async () => …)`
  if (node.type !== 'CallExpression') return false
  return children(node, 'arguments').some((argument) =>
    isFunction(argument)
      ? queriesDatabase(sources, { module, node: argument }, seen)
      : runsQuery(sources, { module, node: argument }, seen),
  )
}

function isNameChain(node: Syntax): boolean {
  if (node.type === 'Identifier') return true
  const member = memberOf(node)
  return member !== undefined && isNameChain(member.object)
}

/** Methods that start a query and that only Kysely has. */
const KYSELY_CALLS = /^(?:selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto)$/
/** Methods of a Drizzle database that start a query. */
const DRIZZLE_CALLS = /^(?:select|selectDistinct|selectDistinctOn|insert|update|delete|execute|\$count)$/

/**
 * `prisma.city.findMany(…)`, `db.selectFrom('city')`, `db('city')` if `db` is a Knex client, or `db.select()`
 * if it is a Drizzle database.
 */
function isQuery(sources: AppSources, { module, node }: Found): boolean {
  const callee = child(node, 'callee')
  const member = memberOf(callee)
  if (member !== undefined) {
    if (KYSELY_CALLS.test(member.name)) return children(node, 'arguments').length > 0
    if (DRIZZLE_CALLS.test(member.name) && isDrizzle(sources, { module, node: member.object })) return true
    const model = memberOf(member.object)
    if (model === undefined || !PRISMA_CALLS.test(member.name)) return false
    // Drizzle and other libraries have `db.query.cities.findMany`.
    const query = memberOf(model.object)
    return query?.name !== 'query' || isDrizzle(sources, { module, node: query.object })
  }
  return (
    callee !== undefined && nameOf(bare(callee)) !== undefined && isKnex(sources, { module, node: callee })
  )
}

/** `knex({ … })`, with or without `withSluice` around it. */
function isKnex(sources: AppSources, found: Found): boolean {
  const created = sources.resolve(found)
  if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression') return false
  const callee = child(created.node, 'callee')
  if (callee === undefined) return false
  const { module } = created
  return (
    ['default', 'knex', '*', '*.default'].some((name) =>
      sources.isFrom({ module, node: callee }, 'knex', name),
    ) || sources.isFrom({ module, node: callee }, '@sluice/knex', 'withSluice')
  )
}

/** `drizzle(…)`. */
function isDrizzle(sources: AppSources, found: Found): boolean {
  const created = sources.resolve(found)
  if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression') return false
  const callee = child(created.node, 'callee')
  return (
    callee !== undefined &&
    sources.isFrom({ module: created.module, node: callee }, /^drizzle-orm\//, 'drizzle')
  )
}

function isRead(node: Syntax, parent: Syntax | undefined): boolean {
  if (parent?.type === 'Property' && parent.key === node) return parent.shorthand === true
  return !(parent?.type === 'MemberExpression' && parent.property === node && parent.computed !== true)
}

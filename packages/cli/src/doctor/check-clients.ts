import { type AppSources, type Found, optionOf } from '../source/app-sources.ts'
import { child, children, lineOf, nameOf, walk } from '../source/source-module.ts'
import { type Check, fail, ok, warn } from './check.ts'

const MAX_WRAPS = 20

/** An ORM whose client or dialect the app passes to `withSluice`. */
interface WrappedOrm {
  /** The Sluice package with `withSluice`. */
  readonly sluice: string
  /** Name of the wrapped value, for messages. */
  readonly subject: string
  readonly fix: string
  /** The package of the ORM, whose name occurs in a file that creates an instance. */
  readonly orm: string
  /** The wrapped value of an expression that creates an instance; `undefined` for other expressions. */
  valueOf(sources: AppSources, found: Found): Value | undefined
  /** Whether an expression is a value that must be wrapped. */
  isBare(sources: AppSources, found: Found): boolean
}

/** `own` if the ORM opens its own connections. */
type Value = Found | 'own'

const KYSELY: WrappedOrm = {
  sluice: '@sluice/kysely',
  subject: 'dialect',
  fix: 'Wrap the dialect: new Kysely({ dialect: withSluice(dialect, sluice) })',
  orm: 'kysely',
  valueOf(sources, { module, node }) {
    if (node.type !== 'NewExpression' || !callsFrom(sources, { module, node }, 'kysely', 'Kysely'))
      return undefined
    return option(sources, { module, node }, 'dialect')
  },
  isBare: (_sources, { node }) => node.type === 'NewExpression',
}

/** The entry points of Drizzle whose clients `@sluice/drizzle` supports. */
const DRIZZLE_DRIVERS = /^drizzle-orm\/(?:node-postgres|mysql2|better-sqlite3)$/

/** How its clients are created: packages and their exports, by the type of the expression. */
const CLIENTS: Readonly<Record<string, readonly (readonly [string | RegExp, readonly string[]])[]>> = {
  NewExpression: [
    ['pg', ['Pool', 'default.Pool', '*.Pool', '*.default.Pool']],
    ['better-sqlite3', ['default', '*', '*.default']],
  ],
  CallExpression: [[/^mysql2(?:\/promise)?$/, ['createPool', 'default.createPool']]],
}

const DRIZZLE: WrappedOrm = {
  sluice: '@sluice/drizzle',
  subject: 'client',
  fix: 'Wrap the client: drizzle({ client: withSluice(client, sluice) })',
  orm: 'drizzle-orm',
  valueOf(sources, { module, node }) {
    if (node.type !== 'CallExpression' || !callsFrom(sources, { module, node }, DRIZZLE_DRIVERS, 'drizzle'))
      return undefined
    const [argument] = children(node, 'arguments')
    const resolved = argument && sources.resolve({ module, node: argument })
    if (resolved === undefined || !('node' in resolved)) return undefined
    if (nameOf(resolved.node) !== undefined || resolved.node.type === 'TemplateLiteral') return 'own'
    if (resolved.node.type !== 'ObjectExpression') return argument && { module, node: argument }
    const client = optionOf(resolved.node, 'client')
    if (client !== undefined) return { module: resolved.module, node: client }
    return optionOf(resolved.node, 'connection') === undefined ? undefined : 'own'
  },
  isBare: (sources, found) => {
    const calls = CLIENTS[found.node.type] ?? []
    return calls.some(([from, names]) => names.some((name) => callsFrom(sources, found, from, name)))
  },
}

/**
 * Checks that the app passes the dialect of Kysely and the client of Drizzle to `withSluice`, once. Reports
 * an instance without it only if the app wraps none of its ORM. Skips values of unknown origin.
 */
export function checkClients(sources: AppSources): Check[] {
  if (sources.naming('@sluice/').length === 0) return []
  return [KYSELY, DRIZZLE].flatMap((orm) => checkOrm(sources, orm))
}

function checkOrm(sources: AppSources, orm: WrappedOrm): Check[] {
  const wrapped: Check[] = []
  const bare: Check[] = []
  for (const module of sources.naming(orm.orm)) {
    walk(module.program, (node) => {
      const found = { module, node }
      const value = orm.valueOf(sources, found)
      if (value === undefined) return undefined
      const place = `${module.path}:${lineOf(node)}`
      const wraps = value === 'own' ? 0 : wrapsOf(sources, value, orm)
      if (wraps === 0) bare.push(unwrapped(orm, place, value === 'own'))
      else if (wraps === 1) wrapped.push(ok(`${orm.subject} is wrapped once (${place})`))
      else if (wraps !== undefined)
        wrapped.push(
          fail(
            `withSluice wraps one ${orm.subject} ${wraps} times: Sluice counts each query as often`,
            `Wrap the ${orm.subject} once, for ${place}`,
          ),
        )
      return undefined
    })
  }
  return wrapped.length > 0 ? wrapped : bare
}

function unwrapped({ subject, fix, sluice }: WrappedOrm, place: string, isOwn: boolean): Check {
  const text = isOwn
    ? `drizzle() opens its own connections (${place})`
    : `${subject} is not wrapped (${place})`
  return warn(`${text}: Sluice sees none of its queries`, `${fix}, with withSluice of ${sluice}`)
}

/** The number of `withSluice` calls around a value; `undefined` if its origin is unknown. */
function wrapsOf(sources: AppSources, start: Found, orm: WrappedOrm): number | undefined {
  let at = start
  for (let wraps = 0; wraps < MAX_WRAPS; wraps += 1) {
    const created = sources.resolve(at)
    if (created === undefined || !('node' in created)) return wraps > 0 ? wraps : undefined
    const [inner] = children(created.node, 'arguments')
    const isWrap =
      created.node.type === 'CallExpression' && callsFrom(sources, created, orm.sluice, 'withSluice')
    if (!isWrap || inner === undefined) return wraps > 0 || orm.isBare(sources, created) ? wraps : undefined
    at = { module: created.module, node: inner }
  }
  return undefined
}

/** Whether a call or `new` expression calls an export of a package. */
function callsFrom(
  sources: AppSources,
  { module, node }: Found,
  from: string | RegExp,
  name: string,
): boolean {
  const callee = child(node, 'callee')
  return (
    callee !== undefined &&
    [name, `*.${name}`].some((exported) => sources.isFrom({ module, node: callee }, from, exported))
  )
}

/** An option of the object that is the first argument of a call. */
function option(sources: AppSources, { module, node }: Found, name: string): Found | undefined {
  const [argument] = children(node, 'arguments')
  const resolved = argument && sources.resolve({ module, node: argument })
  if (resolved === undefined || !('node' in resolved)) return undefined
  const value = optionOf(resolved.node, name)
  return value && { module: resolved.module, node: value }
}

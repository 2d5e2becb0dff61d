import { type AppSources, type Found, functionAround } from '../source/app-sources.ts'
import { queriesDatabase } from '../source/queries-database.ts'
import {
  bare,
  child,
  children,
  isFunction,
  lineOf,
  memberOf,
  nameOf,
  type Syntax,
  walk,
} from '../source/source-module.ts'
import { type Check, fail, ok, warn } from './check.ts'

const VERBS = /^(?:get|post|put|patch|delete|head|options|all)$/
const STARTS = /^(?:listen|init)$/
/** Paths that intentionally come before other middleware. */
const PROBES = /health|ready|alive|live|ping|probe|metrics|status|favicon|robots/i

/** A call of `app.use`, `app.get`, `app.addHook` and the like. */
interface Registration extends Found {
  readonly method: string
  readonly args: readonly Syntax[]
}

/**
 * Checks that the middleware or plugin that opens scopes comes before the routes that query the database.
 * Reports only certain problems: both calls are in one function, on one app, and the earlier one demonstrably
 * queries the database.
 */
export function checkOrder(sources: AppSources): Check[] {
  const modules = sources.naming('@sluice/express', '@sluice/fastify')
  return modules.flatMap((module) =>
    [...groupsOf({ module, node: module.program }).values()].flatMap((calls) => checkCalls(sources, calls)),
  )
}

/** The registrations of each app, in source order. */
function groupsOf({ module, node }: Found): Map<string, Registration[]> {
  const groups = new Map<string, Registration[]>()
  walk(node, (call, above) => {
    const callee = child(call, 'callee')
    const member = call.type === 'CallExpression' ? memberOf(callee) : undefined
    if (member === undefined) return undefined
    // `app.route('/cities').get(…)` also registers on the app.
    const route =
      member.object.type === 'CallExpression' ? memberOf(child(member.object, 'callee')) : undefined
    const app = nameOf(route?.name === 'route' ? route.object : member.object)
    const around = functionAround(above)
    if (app === undefined || around === undefined) return undefined
    const path = route?.name === 'route' ? children(member.object, 'arguments') : []
    const key = `${around.start} ${app}`
    const args = [...path, ...children(call, 'arguments')]
    groups.set(key, [...(groups.get(key) ?? []), { module, node: call, method: member.name, args }])
    return undefined
  })
  for (const calls of groups.values()) calls.sort((left, right) => left.node.end - right.node.end)
  return groups
}

function checkCalls(sources: AppSources, calls: readonly Registration[]): Check[] {
  const at = calls.findIndex((call) => opensScopes(sources, call))
  const opener = calls[at]
  if (opener === undefined) return []
  const before = calls.slice(0, at)
  return opener.method === 'register'
    ? checkHooks(sources, opener, before)
    : checkRoutes(sources, opener, before)
}

/** `app.use(sluiceMiddleware(…))`, `app.register(sluicePlugin, …)`. */
function opensScopes(sources: AppSources, { module, method, args }: Registration): boolean {
  const [first] = args
  if (method === 'register')
    return first !== undefined && sources.isFrom({ module, node: first }, '@sluice/fastify', 'sluicePlugin')
  if (method !== 'use') return false
  return args.some((arg) => {
    const created = sources.resolve({ module, node: arg })
    if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression') return false
    const callee = child(created.node, 'callee')
    return (
      callee !== undefined &&
      sources.isFrom({ module: created.module, node: callee }, '@sluice/express', 'sluiceMiddleware')
    )
  })
}

/** Express runs handlers in the order of their registration, and a route that responds ends the chain. */
function checkRoutes(sources: AppSources, opener: Registration, before: readonly Registration[]): Check[] {
  // Middleware of one path. Other paths can be without scopes intentionally.
  if (nameOf(opener.args[0]) !== undefined && opener.args[0]?.type === 'Literal') return []
  // The app that mounts the router can have its own middleware.
  const maker = makerOf(sources, opener)
  if (maker !== undefined && isRouterFactory(sources, maker)) return []
  const started = before.find(({ method }) => STARTS.test(method))
  if (
    started !== undefined &&
    maker !== undefined &&
    sources.isFrom(maker, '@nestjs/core', 'NestFactory.create')
  )
    return [
      fail(
        `scope: middleware registered after app.${started.method}(), which registers Nest's routes`,
        `Move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(started)}`,
      ),
    ]
  const late = before.filter((call) => isRoute(sources, call))
  const [first] = late
  if (first === undefined) return [ok(`scope: the middleware comes before the routes (${placeOf(opener)})`)]
  const others = late.length === 1 ? '' : ` and ${late.length - 1} more`
  return [
    fail(
      `scope: middleware registered after routes: ${shownRoute(first)}${others} ${late.length === 1 ? 'has' : 'have'} no scope`,
      `Move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(first)}`,
    ),
  ]
}

/** The function that created the app of a registration: `express` of `const app = express()`. */
function makerOf(sources: AppSources, { module, node }: Registration): Found | undefined {
  const app = memberOf(child(node, 'callee'))?.object
  const created = app && sources.resolve({ module, node: app })
  if (created === undefined || !('node' in created)) return undefined
  const callee = child(created.node, 'callee')
  return callee && { module: created.module, node: callee }
}

function isRoute(sources: AppSources, call: Registration): boolean {
  const { module, method, args } = call
  const path = args[0]?.type === 'Literal' ? nameOf(args[0]) : undefined
  if (path !== undefined && PROBES.test(path)) return false
  if (VERBS.test(method) && args.length > 1)
    return args.slice(1).some((node) => queriesDatabase(sources, { module, node }))
  return method === 'use' && args.some((node) => isRouter(sources, { module, node }))
}

/** Whether an expression is a router that queries the database, or a call that creates one. */
function isRouter(sources: AppSources, found: Found): boolean {
  const created = sources.resolve(found)
  if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression') return false
  const callee = child(created.node, 'callee')
  if (callee === undefined) return false
  const { module } = created
  if (isRouterFactory(sources, { module, node: callee })) {
    const name = routerName(created)
    return (
      name !== undefined &&
      routesOf(module.program, name).some((node) => queriesDatabase(sources, { module, node }))
    )
  }
  const target = sources.resolve({ module, node: callee })
  if (target === undefined || !('node' in target) || !isFunction(target.node)) return false
  let hasRouter = false
  walk(target.node, (node) => {
    const inner = node.type === 'CallExpression' ? child(node, 'callee') : undefined
    if (inner !== undefined && isRouterFactory(sources, { module: target.module, node: inner }))
      hasRouter = true
    return hasRouter ? false : undefined
  })
  return hasRouter && queriesDatabase(sources, target)
}

function isRouterFactory(sources: AppSources, callee: Found): boolean {
  return ['Router', 'default.Router', '*.Router'].some((name) => sources.isFrom(callee, 'express', name))
}

/** The variable that a router is assigned to. */
function routerName({ module, node }: Found): string | undefined {
  return [...module.bindings].find(([, binding]) => binding.kind === 'value' && binding.node === node)?.[0]
}

/** The handlers that a file registers on a router. */
function routesOf(program: Syntax, router: string): Syntax[] {
  const found: Syntax[] = []
  walk(program, (node) => {
    const member = node.type === 'CallExpression' ? memberOf(child(node, 'callee')) : undefined
    const route =
      member?.object.type === 'CallExpression' ? memberOf(child(member.object, 'callee'))?.object : undefined
    if (member !== undefined && VERBS.test(member.name) && nameOf(route ?? member.object) === router)
      found.push(...children(node, 'arguments'))
    return undefined
  })
  return found
}

/** Fastify applies hooks to all routes regardless of order. Only the order among hooks matters. */
function checkHooks(sources: AppSources, opener: Registration, before: readonly Registration[]): Check[] {
  const early = before.find(({ module, method, args: [event, hook] }) => {
    if (method !== 'addHook' || nameOf(event) !== 'onRequest' || hook === undefined) return false
    return queriesDatabase(sources, { module, node: hook })
  })
  if (early === undefined) return [ok(`scope: the plugin opens a scope per request (${placeOf(opener)})`)]
  return [
    warn(
      `scope: the onRequest hook of ${placeOf(early)} queries the database before the scope opens`,
      `Move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(early)}`,
    ),
  ]
}

function placeOf({ module, node }: Found): string {
  return `${module.path}:${lineOf(bare(child(node, 'callee')) ?? node)}`
}

function shownRoute({ module, method, args }: Registration): string {
  const path = nameOf(args[0])
  if (method !== 'use') return `${method.toUpperCase()} ${path ?? ''}`.trimEnd()
  return path ?? args.map((node) => module.text.slice(node.start, node.end).split('\n', 1)[0]).join(', ')
}

function shownCall({ module, node }: Found): string {
  const text = module.text.slice(node.start, node.end)
  return text.length > 60 || text.includes('\n')
    ? `${text.slice(0, text.indexOf('(', text.indexOf('(') + 1) + 1).slice(0, 60)}…)`
    : text
}

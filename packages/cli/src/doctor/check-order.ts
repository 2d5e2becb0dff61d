import { type AppSources, type Found, functionAround } from '../source/app-sources.ts'
import { asksDatabase } from '../source/asks-database.ts'
import { bare, child, children, isFunction, lineOf, memberOf, nameOf, type Syntax, walk } from '../source/syntax.ts'
import { type Check, fail, ok, warn } from './check.ts'

const VERBS = /^(?:get|post|put|patch|delete|head|options|all)$/
const STARTS = /^(?:listen|init)$/
/** Paths that are meant to be answered before all else. */
const PROBES = /health|ready|alive|live|ping|probe|metrics|status|favicon|robots/i

/** A call of `app.use`, `app.get`, `app.addHook` and the like. */
interface Registration extends Found {
  readonly method: string
  readonly args: readonly Syntax[]
}

/**
 * Whether what opens the scopes of requests comes before what asks the database. Only what is certain is said: the calls stand in one function, on one app, and what
 * came first is seen to ask the database.
 */
export function checkOrder(sources: AppSources): Check[] {
  const modules = sources.naming('@sluice/express', '@sluice/fastify')
  return modules.flatMap((module) =>
    [...groupsOf({ module, node: module.program }).values()].flatMap((calls) => checkCalls(sources, calls)),
  )
}

/** The registrations of each app, in the order of the text. */
function groupsOf({ module, node }: Found): Map<string, Registration[]> {
  const groups = new Map<string, Registration[]>()
  walk(node, (call, above) => {
    const callee = child(call, 'callee')
    const member = call.type === 'CallExpression' ? memberOf(callee) : undefined
    if (member === undefined) return undefined
    // `app.route('/cities').get(…)` is one of the app as well.
    const route = member.object.type === 'CallExpression' ? memberOf(child(member.object, 'callee')) : undefined
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
  return opener.method === 'register' ? checkHooks(sources, opener, before) : checkRoutes(sources, opener, before)
}

/** `app.use(sluiceMiddleware(…))`, `app.register(sluicePlugin, …)`. */
function opensScopes(sources: AppSources, { module, method, args }: Registration): boolean {
  const [first] = args
  if (method === 'register') return first !== undefined && sources.isFrom({ module, node: first }, '@sluice/fastify', 'sluicePlugin')
  if (method !== 'use') return false
  return args.some((arg) => {
    const made = sources.resolve({ module, node: arg })
    if (made === undefined || !('node' in made) || made.node.type !== 'CallExpression') return false
    const callee = child(made.node, 'callee')
    return callee !== undefined && sources.isFrom({ module: made.module, node: callee }, '@sluice/express', 'sluiceMiddleware')
  })
}

/** Express runs what was registered in order: a route that answers is the end of it. */
function checkRoutes(sources: AppSources, opener: Registration, before: readonly Registration[]): Check[] {
  // For the requests of a path alone, and others may be meant to have none.
  if (nameOf(opener.args[0]) !== undefined && opener.args[0]?.type === 'Literal') return []
  // The app that it is mounted in may have one of its own.
  const maker = makerOf(sources, opener)
  if (maker !== undefined && isRouterFactory(sources, maker)) return []
  const started = before.find(({ method }) => STARTS.test(method))
  if (started !== undefined && maker !== undefined && sources.isFrom(maker, '@nestjs/core', 'NestFactory.create'))
    return [
      fail(
        `scope: middleware registered after app.${started.method}(), which registers Nest's routes`,
        `move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(started)}`,
      ),
    ]
  const late = before.filter((call) => isRoute(sources, call))
  const [first] = late
  if (first === undefined) return [ok(`scope: the middleware comes before the routes (${placeOf(opener)})`)]
  const others = late.length === 1 ? '' : `, and ${late.length - 1} more,`
  return [
    fail(
      `scope: middleware registered after routes: ${shownRoute(first)}${others} ${late.length === 1 ? 'has' : 'have'} none`,
      `move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(first)}`,
    ),
  ]
}

/** The function that made what a call registers with: `express` of `const app = express()`. */
function makerOf(sources: AppSources, { module, node }: Registration): Found | undefined {
  const app = memberOf(child(node, 'callee'))?.object
  const made = app && sources.resolve({ module, node: app })
  if (made === undefined || !('node' in made)) return undefined
  const callee = child(made.node, 'callee')
  return callee && { module: made.module, node: callee }
}

function isRoute(sources: AppSources, call: Registration): boolean {
  const { module, method, args } = call
  const path = args[0]?.type === 'Literal' ? nameOf(args[0]) : undefined
  if (path !== undefined && PROBES.test(path)) return false
  if (VERBS.test(method) && args.length > 1) return args.slice(1).some((node) => asksDatabase(sources, { module, node }))
  return method === 'use' && args.some((node) => isRouter(sources, { module, node }))
}

/** A router of the app, or a call of a function that makes one, that asks the database. */
function isRouter(sources: AppSources, found: Found): boolean {
  const made = sources.resolve(found)
  if (made === undefined || !('node' in made) || made.node.type !== 'CallExpression') return false
  const callee = child(made.node, 'callee')
  if (callee === undefined) return false
  const { module } = made
  if (isRouterFactory(sources, { module, node: callee })) {
    const name = routerName(made)
    return name !== undefined && routesOf(module.program, name).some((node) => asksDatabase(sources, { module, node }))
  }
  const target = sources.resolve({ module, node: callee })
  if (target === undefined || !('node' in target) || !isFunction(target.node)) return false
  let hasRouter = false
  walk(target.node, (node) => {
    const inner = node.type === 'CallExpression' ? child(node, 'callee') : undefined
    if (inner !== undefined && isRouterFactory(sources, { module: target.module, node: inner })) hasRouter = true
    return hasRouter ? false : undefined
  })
  return hasRouter && asksDatabase(sources, target)
}

function isRouterFactory(sources: AppSources, callee: Found): boolean {
  return ['Router', 'default.Router', '*.Router'].some((name) => sources.isFrom(callee, 'express', name))
}

/** The variable that a router was made for. */
function routerName({ module, node }: Found): string | undefined {
  return [...module.bindings].find(([, binding]) => binding.kind === 'value' && binding.node === node)?.[0]
}

/** What a file gives a router to do. */
function routesOf(program: Syntax, router: string): Syntax[] {
  const found: Syntax[] = []
  walk(program, (node) => {
    const member = node.type === 'CallExpression' ? memberOf(child(node, 'callee')) : undefined
    const route = member?.object.type === 'CallExpression' ? memberOf(child(member.object, 'callee'))?.object : undefined
    if (member !== undefined && VERBS.test(member.name) && nameOf(route ?? member.object) === router)
      found.push(...children(node, 'arguments'))
    return undefined
  })
  return found
}

/** Fastify gives its hooks to all routes, whichever came first. Among hooks, the order counts. */
function checkHooks(sources: AppSources, opener: Registration, before: readonly Registration[]): Check[] {
  const early = before.find(({ module, method, args: [event, hook] }) => {
    if (method !== 'addHook' || nameOf(event) !== 'onRequest' || hook === undefined) return false
    return asksDatabase(sources, { module, node: hook })
  })
  if (early === undefined) return [ok(`scope: the plugin opens one for each request (${placeOf(opener)})`)]
  return [
    warn(
      `scope: the hook onRequest of ${placeOf(early)} asks the database, and runs before there is one`,
      `move ${shownCall(opener)} of ${placeOf(opener)} above ${placeOf(early)}`,
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
  return text.length > 60 || text.includes('\n') ? `${text.slice(0, text.indexOf('(', text.indexOf('(') + 1) + 1).slice(0, 60)}…)` : text
}

import { type AppSources, type Found, optionOf } from '../source/app-sources.ts'
import { child, children, lineOf, memberOf, walk } from '../source/source-module.ts'
import { type Check, fail, ok, warn } from './check.ts'

const PACKAGE = '@sluice/prisma'
const MAX_STEPS = 50

/** How a Prisma client is created and extended with Sluice. */
interface Client extends Found {
  readonly extensions: readonly Found[]
  /** The calls of `$extends`, last call first. */
  readonly chain: readonly Found[]
  /** `new PrismaClient(…)`. */
  readonly created: Found
}

/**
 * Checks that each Prisma client is extended once and its adapter wrapped once. Skips clients of unknown
 * origin.
 */
export function checkWrapping(sources: AppSources): Check[] {
  const found = sources.naming(PACKAGE).flatMap((module) => {
    const clients: Client[] = []
    walk(module.program, (node) => {
      const client = clientOf(sources, { module, node })
      if (client !== undefined) clients.push(client)
      return undefined
    })
    return clients
  })
  // A client that is extended again is part of the outer one.
  const inner = new Set(found.flatMap(({ chain }) => chain.slice(1).map(({ node }) => node)))
  return found.filter(({ node }) => !inner.has(node)).flatMap((client) => checkClient(sources, client))
}

/** The client that a call of `$extends` with Sluice's extension returns. */
function clientOf(sources: AppSources, start: Found): Client | undefined {
  if (extensionOf(sources, start) === undefined) return undefined
  const extensions: Found[] = []
  const chain: Found[] = []
  let at: Found | undefined = start
  while (at?.node.type === 'CallExpression' && chain.length < MAX_STEPS) {
    const member = memberOf(child(at.node, 'callee'))
    if (member?.name !== '$extends') return undefined
    chain.push(at)
    const extension = extensionOf(sources, at)
    if (extension !== undefined) extensions.push(extension)
    const next = sources.resolve({ module: at.module, node: member.object })
    at = next !== undefined && 'node' in next ? next : undefined
  }
  return at?.node.type === 'NewExpression' ? { ...start, extensions, chain, created: at } : undefined
}

/** The call of `withSluice` in `x.$extends(withSluice(…))`. */
function extensionOf(sources: AppSources, { module, node }: Found): Found | undefined {
  if (node.type !== 'CallExpression' || memberOf(child(node, 'callee'))?.name !== '$extends') return undefined
  const [argument] = children(node, 'arguments')
  return argument && callOf(sources, { module, node: argument }, 'withSluice')
}

/** The call of a function of `@sluice/prisma` that an expression resolves to. */
function callOf(sources: AppSources, found: Found, name: string): Found | undefined {
  const created = sources.resolve(found)
  if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression')
    return undefined
  const callee = child(created.node, 'callee')
  return callee !== undefined && sources.isFrom({ module: created.module, node: callee }, PACKAGE, name)
    ? created
    : undefined
}

function checkClient(sources: AppSources, client: Client): Check[] {
  const place = `${client.module.path}:${lineOf(client.node)}`
  if (client.extensions.length > 1)
    return [
      fail(
        `withSluice is applied ${client.extensions.length} times to one client: Sluice counts each query as often, and caches nothing`,
        `Extend the client once, in ${place}`,
      ),
    ]
  const options = children(client.created.node, 'arguments')[0]
  const passed = options && sources.resolve({ module: client.created.module, node: options })
  if (passed === undefined || !('node' in passed) || passed.node.type !== 'ObjectExpression') return []
  const adapter = optionOf(passed.node, 'adapter')
  if (adapter === undefined) return []
  const wraps = wrapsOf(sources, { module: passed.module, node: adapter })
  if (wraps === undefined) return []
  if (wraps.length > 1)
    return [
      fail(
        `sluiceAdapter wraps one adapter ${wraps.length} times: Sluice counts each statement as often`,
        `Wrap the adapter once, for ${place}`,
      ),
    ]
  const [wrap] = wraps
  if (wrap === undefined)
    return [
      warn(
        `adapter is not wrapped (${place}): Sluice does not see raw SQL, triggers and commits`,
        'Wrap the adapter: new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) })',
      ),
    ]
  if (haveOtherSluices(sources, wrap, client.extensions[0]))
    return [
      fail(
        `adapter and client have different Sluices (${place}): Sluice caches nothing`,
        'Pass the same Sluice to sluiceAdapter and withSluice.',
      ),
    ]
  return [ok(`adapter is wrapped once (${place})`)]
}

/** The calls of `sluiceAdapter` around an adapter; `undefined` if the origin of the adapter is unknown. */
function wrapsOf(sources: AppSources, start: Found): Found[] | undefined {
  const wraps: Found[] = []
  let at: Found = start
  for (;;) {
    const wrap = callOf(sources, at, 'sluiceAdapter')
    const inner = children(wrap?.node, 'arguments')[0]
    if (wrap === undefined || inner === undefined || wraps.length > MAX_STEPS) break
    wraps.push(wrap)
    at = { module: wrap.module, node: inner }
  }
  const created = sources.resolve(at)
  // Another function can return an adapter that it has wrapped.
  const isKnown = created !== undefined && 'node' in created && created.node.type === 'NewExpression'
  return isKnown || wraps.length > 0 ? wraps : undefined
}

/** Whether the two certainly use different Sluices. */
function haveOtherSluices(sources: AppSources, adapter: Found, extension: Found | undefined): boolean {
  const first = children(adapter.node, 'arguments')[1]
  const second = children(extension?.node, 'arguments')[0]
  const one = first && sources.resolve({ module: adapter.module, node: first })
  const other = second && extension && sources.resolve({ module: extension.module, node: second })
  const isCreated = (found: typeof one) =>
    found !== undefined && 'node' in found && callsCreateSluice(sources, found)
  if (second === undefined) return extension !== undefined && isCreated(one)
  return (
    isCreated(one) &&
    isCreated(other) &&
    one !== undefined &&
    other !== undefined &&
    'node' in one &&
    'node' in other &&
    one.node !== other.node
  )
}

function callsCreateSluice(sources: AppSources, { module, node }: Found): boolean {
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : undefined
  return callee !== undefined && sources.isFrom({ module, node: callee }, '@sluice/core', 'createSluice')
}

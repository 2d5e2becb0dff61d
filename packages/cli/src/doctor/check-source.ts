import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppSources, optionOf } from '../source/app-sources.ts'
import { child, children, type SourceModule, type Syntax, walk } from '../source/source-module.ts'
import { type Check, skip, warn } from './check.ts'
import { checkClients } from './check-clients.ts'
import { checkOrder } from './check-order.ts'
import { checkWrapping } from './check-wrapping.ts'

/**
 * Checks in the source code where the app opens scopes and how it wraps its ORMs. Reports only what the code
 * proves.
 */
export async function checkSource(cwd: string): Promise<Check[]> {
  return checkSources(await AppSources.of(cwd))
}

/** Same as `checkSource`, for source code that was already read. */
export function checkSources(sources: AppSources): Check[] {
  const checks = [...checkOrder(sources), ...checkWrapping(sources), ...checkClients(sources)]
  return [...checks, ...[...sources.unread].map(([path, why]) => skip(`${path} could not be read: ${why}`))]
}

/** Checks that the app reads the file of `sluice ignore`, if it has one. */
export function checkIgnoreFile(sources: AppSources, cwd: string): Check[] {
  if (!existsSync(join(cwd, 'sluice/ignore.json')) || sources.naming('@sluice/').length === 0) return []
  // Code that names the file can read it without Sluice's function.
  if (sources.naming('readIgnoreFile', 'ignore.json').length > 0) return []
  return [
    warn(
      'no source file reads sluice/ignore.json: Sluice still reports its findings',
      'createSluice({ detection: { ignore: readIgnoreFile() } }), with readIgnoreFile of @sluice/core',
    ),
  ]
}

/** Functions that return a store, which processes share. */
const STORES = [
  ['@sluice/redis', 'redisStore'],
  ['@sluice/memcached', 'memcachedStore'],
  ['@sluice/core', 'clusterStore'],
] as const

/**
 * Whether the source code of the app shares a cache between processes: it creates a store, or passes
 * `cache.store` to `createSluice()`.
 */
export function hasSharedCache(sources: AppSources): boolean {
  return sources.naming('@sluice/').some((module) => {
    let isFound = false
    walk(module.program, (node) => {
      if (isFound || node.type !== 'CallExpression') return undefined
      const callee = child(node, 'callee')
      if (callee === undefined) return undefined
      const isCallOf = (from: string, name: string) => sources.isFrom({ module, node: callee }, from, name)
      isFound =
        STORES.some(([from, name]) => isCallOf(from, name)) ||
        (isCallOf('@sluice/core', 'createSluice') && passesStore(module, node))
      return undefined
    })
    return isFound
  })

  function passesStore(module: SourceModule, call: Syntax): boolean {
    const [first] = children(call, 'arguments')
    const options = first && sources.resolve({ module, node: first })
    if (options === undefined || !('node' in options)) return false
    const value = optionOf(options.node, 'cache')
    const cache = value && sources.resolve({ module: options.module, node: value })
    return cache !== undefined && 'node' in cache && optionOf(cache.node, 'store') !== undefined
  }
}

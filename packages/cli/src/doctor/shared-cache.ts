import { type AppSources, optionOf } from '../source/app-sources.ts'
import type { SourceModule } from '../source/source-module.ts'
import { child, children, type Syntax, walk } from '../source/syntax.ts'

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

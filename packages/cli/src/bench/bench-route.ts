import { UsageError } from '../usage-error.ts'

export interface BenchRoute {
  /** `GET /cities`. */
  readonly name: string
  readonly method: 'GET' | 'HEAD'
  readonly path: string
}

/**
 * `GET /cities`, or `/cities`.
 *
 * @throws UsageError for what is none, and for a request that changes something: it would be sent thousands of times.
 */
export function benchRoute(given: string): BenchRoute {
  const [, method = 'GET', path] = /^(?:([A-Za-z]+)\s+)?(\/\S*)$/.exec(given.trim()) ?? []
  const verb = method.toUpperCase()
  if (path === undefined) throw new UsageError(`--routes: expected a request such as 'GET /cities', got "${given}"`)
  if (verb !== 'GET' && verb !== 'HEAD')
    throw new UsageError(`--routes: expected GET or HEAD, got "${given}": each request is sent thousands of times`)
  return { name: `${verb} ${path}`, method: verb, path }
}

import { isPoolExhausted, type PoolState } from '../../schema/connection.ts'

type Callback = (...args: unknown[]) => unknown

/**
 * Measures how long callers of a pool's method wait for a connection. Replaces the method on this one pool.
 *
 * @returns The function that restores it, unless it was replaced again meanwhile.
 */
export function timeRequests<TName extends string>(
  pool: Readonly<Record<TName, Callback>>,
  name: TName,
  state: () => PoolState | undefined,
  waited: (ms: number, wasExhausted: boolean) => void,
  now: () => number,
): () => void {
  const methods = pool as Partial<Record<string, Callback>>
  const request: Callback = pool[name]
  const isOwn = Object.hasOwn(pool, name)
  let isWatching = true
  const timed = function (this: unknown, ...args: unknown[]): unknown {
    const before = isWatching ? state() : undefined
    if (before === undefined) return request.apply(this, args)
    const wasExhausted = isPoolExhausted(before)
    const startedAt = now()
    const ended = () => waited(now() - startedAt, wasExhausted)
    const [callback, ...rest] = args
    if (typeof callback === 'function') {
      const wrapped: Callback = (...results) => {
        ended()
        return (callback as Callback)(...results)
      }
      return request.call(this, wrapped, ...rest)
    }
    const requested = request.apply(this, args)
    if (requested instanceof Promise) requested.then(ended, ended)
    return requested
  }
  methods[name] = timed
  return () => {
    isWatching = false
    if (methods[name] !== timed) return
    if (isOwn) methods[name] = request
    else delete methods[name]
  }
}

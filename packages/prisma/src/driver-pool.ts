import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import type { PoolState } from '@sluice/core'
import { type AdapterHost, isPoolExhausted } from '@sluice/core/siblings'

/** What is used of a pool of `pg`; all of it is documented there. */
interface PgPool {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
  readonly options: { readonly min?: unknown; readonly max: number }
  connect(...args: unknown[]): unknown
}

type Callback = (...args: unknown[]) => unknown

/**
 * Lets the core look at the pool that an adapter's driver has, and tells how long callers wait for a connection of it. Of `@prisma/adapter-pg`; the pools
 * of other drivers do not tell how large they may become.
 *
 * @returns What takes it off again.
 */
export function watchDriverPool(adapter: SqlDriverAdapter, host: AdapterHost, sourceId: string): () => void {
  const pool = pgPoolOf(adapter)
  if (pool === undefined) return () => {}
  const held = new WeakRef(pool)
  const detach = host.attachPool(sourceId, () => {
    const living = held.deref()
    return living === undefined ? undefined : stateOf(living)
  })
  const restore = timeConnects(pool, (ms, wasExhausted) => host.poolWaited(sourceId, ms, wasExhausted), host)
  return () => {
    restore()
    detach()
  }
}

function pgPoolOf(adapter: SqlDriverAdapter): PgPool | undefined {
  const { underlyingDriver } = adapter as { underlyingDriver?: () => unknown }
  const pool = typeof underlyingDriver === 'function' ? (underlyingDriver.call(adapter) as Partial<PgPool> | undefined) : undefined
  const isPool =
    typeof pool?.connect === 'function' &&
    [pool.totalCount, pool.idleCount, pool.waitingCount, pool.options?.max].every((value) => typeof value === 'number')
  return isPool ? (pool as PgPool) : undefined
}

function stateOf({ totalCount, idleCount, waitingCount, options: { min, max } }: PgPool): PoolState {
  return { min: typeof min === 'number' ? min : 0, max, used: totalCount - idleCount, idle: idleCount, waiting: waitingCount }
}

/** `pool.query` gets its connection by `connect`, too. It is replaced on this one pool, and is put back unless somebody else has replaced it meanwhile. */
function timeConnects(pool: PgPool, waited: (ms: number, wasExhausted: boolean) => void, host: AdapterHost): () => void {
  const { connect } = pool
  const isOwn = Object.hasOwn(pool, 'connect')
  let isWatching = true
  const timed = function (this: PgPool, ...args: unknown[]): unknown {
    if (!isWatching) return connect.apply(this, args)
    const wasExhausted = isPoolExhausted(stateOf(pool))
    const startedAt = host.now()
    const ended = () => waited(host.now() - startedAt, wasExhausted)
    const [callback, ...rest] = args
    if (typeof callback === 'function') {
      const told: Callback = (...results) => {
        ended()
        return (callback as Callback)(...results)
      }
      return connect.call(this, told, ...rest)
    }
    const connecting = connect.apply(this, args)
    if (connecting instanceof Promise) connecting.then(ended, ended)
    return connecting
  }
  pool.connect = timed
  return () => {
    isWatching = false
    if (pool.connect !== timed) return
    if (isOwn) pool.connect = connect
    else delete (pool as { connect?: unknown }).connect
  }
}

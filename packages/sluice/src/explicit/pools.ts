import type { Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import type { Orm } from '../seams/callers.ts'
import type { MysqlPool } from '../seams/mysql.ts'
import { driverDescription } from '../seams/orms/driver-description.ts'
import { type PgPool, viewOf } from '../seams/pg.ts'

type Method = (...args: unknown[]) => unknown
type Ending = Record<'end', Method>

/** A pool of an ORM, attached. The stand-in is released when it ends the pool. */
export interface AttachedPool<TPool extends object> {
  readonly standIn: TPool
  /** Releases the pool, which stays open. */
  release(): void
}

/** Attaches a pool of `pg`. */
export function attachPgPool(pool: PgPool, sluice: Sluice, orm: Orm): AttachedPool<PgPool> {
  const connect: Method = (...args) => pool.connect(...args)
  return releasable(pool, (end) =>
    sluicePool(viewOf(pool, { connect, end }), sluice, driverDescription('pg', orm)),
  )
}

/** Attaches a pool of `mysql2` with callbacks. */
export function attachMysqlPool(
  pool: MysqlPool & Ending,
  sluice: Sluice,
  orm: Orm,
): AttachedPool<MysqlPool & Ending> {
  return releasable(pool, (end) => {
    const own = { getConnection: pool.getConnection.bind(pool), end }
    return sluiceMysql2Pool(Object.assign(Object.create(pool), own), sluice, driverDescription('mysql2', orm))
  })
}

/** @param attach - Returns a stand-in that is released by `end`, and calls the given function then. */
function releasable<TPool extends Ending>(pool: TPool, attach: (end: Method) => TPool): AttachedPool<TPool> {
  let isReleasing = false
  const standIn = attach((...args) => (isReleasing ? undefined : pool.end(...args)))
  return {
    standIn,
    release() {
      isReleasing = true
      standIn.end()
    },
  }
}

import { lazyPgClient } from '@sluice/core/adapter'
import { registeredSluice } from '../../registered-sluice.ts'
import { type PgPool, poolStandIn } from '../pg.ts'

/** A connection of TypeORM, and the function that releases it. */
export type TypeormConnection = readonly [client: object, release: (error?: unknown) => void]

/**
 * Returns a connection for a query runner that takes one of the pool when it needs a session. `undefined`:
 * reads do not go through Sluice, or the pool has not connected yet. If it cannot, TypeORM must receive the
 * error.
 */
export function lazyTypeormConnection(pool: PgPool): TypeormConnection | undefined {
  if (registeredSluice().mode === 'observe' || !((pool.totalCount ?? 0) > 0)) return undefined
  const standIn = poolStandIn(pool, 'TypeORM')
  const client = standIn && lazyPgClient(standIn)
  return client && [client, (error) => client.release(error)]
}

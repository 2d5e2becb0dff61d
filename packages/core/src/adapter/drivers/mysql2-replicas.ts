import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { ReplicaDriver } from '../replica-connections.ts'
import { type Mysql2Object, send } from './mysql2-call.ts'
import { coreOf, defaultsOf, mysql2Query } from './mysql2-core.ts'
import type { PoolReplicas } from './pool-description.ts'

/** The connections with callbacks of the replicas' pools. */
export function mysql2ReplicaDriver({ pools }: PoolReplicas): ReplicaDriver<Mysql2Object> {
  const close = (connection: Mysql2Object) => void (connection.destroy as () => void)()
  return {
    async acquire(index) {
      const pool = coreOf(pools[index]?.client as Mysql2Object)
      const [connection] = (await send(pool, 'callbacks', 'getConnection', [])) as [Mysql2Object]
      return connection
    },
    release: (connection) => void (connection.release as () => void)(),
    query: (connection, sql) => mysql2Query(connection)(sql),
    abandon: close,
  }
}

export function mysql2ReplicaTargets({ pools }: PoolReplicas): readonly ReplicaTarget[] {
  return pools.map(({ client, ...place }) => {
    const pool = coreOf(client as Mysql2Object)
    const { host, port } = defaultsOf(pool)
    return {
      ...(typeof host === 'string' && { host, port: Number(port ?? 3306) }),
      ...place,
      connection: () => ({ dialect: 'mysql', query: mysql2Query(pool) }),
    }
  })
}

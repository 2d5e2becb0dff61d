import type { Cluster, Redis } from 'ioredis'
import { ClusterServer } from './cluster-server.ts'
import type { Server, ServerOptions } from './server.ts'
import { StandaloneServer } from './standalone-server.ts'

/** Connects to where an instance of ioredis is connected to. @param slot - In a Cluster, the one whose owner matters. */
export function serverOf(redis: Redis | Cluster, slot: number, options: ServerOptions): Server {
  const server = redis.isCluster ? new ClusterServer(redis as Cluster, slot, options) : new StandaloneServer(redis as Redis, options)
  server.connect()
  return server
}

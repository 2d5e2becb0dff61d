import type { Cluster, Redis } from 'ioredis'

/** Calls with a client itself, or with each node of a Cluster that it connects to from now on. */
export function eachConnection(client: Redis | Cluster, use: (connection: Redis) => void): void {
  if (client.isCluster) client.on('+node', use)
  else use(client as Redis)
}

import type { Cluster, Redis } from 'ioredis'
import { ClusterServer } from './cluster-server.ts'
import type { Server, ServerOptions } from './server.ts'
import { StandaloneServer } from './standalone-server.ts'

const SLOTS = 16_384

/**
 * Returns the slot of a hash tag in a Cluster: CRC-16/XMODEM of its bytes. Source: Redis Cluster
 * specification.
 */
export function keySlot(hashTag: string): number {
  let crc = 0
  for (const byte of Buffer.from(hashTag)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    crc &= 0xffff
  }
  return crc % SLOTS
}

/** Returns the hash tag of a key, which alone determines its slot; `undefined`: it has none. */
export function hashTagOf(key: string): string | undefined {
  const open = key.indexOf('{')
  const close = key.indexOf('}', open)
  return open < 0 || close <= open + 1 ? undefined : key.slice(open + 1, close)
}

/**
 * Connects to the server of an ioredis instance.
 *
 * @param slot - In a Cluster, the slot whose owner matters.
 */
export function serverOf(redis: Redis | Cluster, slot: number, options: ServerOptions): Server {
  const server = redis.isCluster
    ? new ClusterServer(redis as Cluster, slot, options)
    : new StandaloneServer(redis as Redis, options)
  server.connect()
  return server
}

import type { Cluster, Redis } from 'ioredis'
import { eachConnection } from './each-connection.ts'

/**
 * Commands that a connection, or one of a Cluster, is given in one tick are written with one system call. Their order stays. What goes on when answers come that
 * were read together is one tick.
 */
export function gatherWrites(client: Redis | Cluster): void {
  eachConnection(client, gatherOf)
}

function gatherOf(redis: Redis): void {
  const send = redis.sendCommand
  redis.sendCommand = (command, stream) => {
    const socket = redis.stream
    if (socket?.writable === true && socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    return send.call(redis, command, stream)
  }
}

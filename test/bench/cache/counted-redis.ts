import { Redis } from 'ioredis'

/** A Redis that counts each command on its connections, including those that a store opens. */
export interface CountedRedis {
  readonly redis: Redis
  /** The commands since the last call, except for heartbeats. */
  taken(): string[]
}

const SIGNS_OF_LIFE = new Set(['ping', 'info', 'exists'])

export function countedRedis(url: string): CountedRedis {
  const log: string[] = []
  const watch = (redis: Redis): Redis => {
    const send = redis.sendCommand.bind(redis)
    redis.sendCommand = (command, stream) => {
      if (!SIGNS_OF_LIFE.has(command.name)) log.push(command.name)
      return send(command, stream)
    }
    const duplicate = redis.duplicate.bind(redis)
    redis.duplicate = (override) => watch(duplicate(override))
    return redis
  }
  return { redis: watch(new Redis(url)), taken: () => log.splice(0) }
}

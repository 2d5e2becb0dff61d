import { setLongInterval, TIMEOUT_TICKS } from '@sluice/core/siblings'
import type { Cluster, Command, Redis } from 'ioredis'

/** Calls `use` with the client, or with each node that a Cluster connects to from now on. */
function eachConnection(client: Redis | Cluster, use: (connection: Redis) => void): void {
  if (client.isCluster) client.on('+node', use)
  else use(client as Redis)
}

/**
 * Writes the commands that a connection, or each connection of a Cluster, receives in one tick with one
 * system call. Their order is unchanged. Code that continues after replies that were read together runs in
 * one tick.
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

/**
 * Times out commands without a reply, up to 20% later than the timeout. Like `setBusyAwareTimeout`, it counts
 * a period in which the event loop is blocked as at most one tick of its timer, and reads the replies that
 * arrived meanwhile first. However, one timer serves all commands.
 */
export class CommandTimeouts {
  /** Commands in flight, grouped by the tick of the timer in which they were sent, latest first. */
  readonly #sent: Set<Command>[] = [new Set()]
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(private readonly timeoutMs: number) {}

  /**
   * Applies the timeout to a connection, or to each connection of a Cluster. Their `commandTimeout` must be
   * off: ioredis counts time in which the process could not read the reply.
   */
  watch(client: Redis | Cluster): void {
    eachConnection(client, (redis) => this.#watch(redis))
  }

  #watch(redis: Redis): void {
    const send = redis.sendCommand
    redis.sendCommand = (command, stream) => {
      const answer = send.call(redis, command, stream)
      this.#add(command)
      return answer
    }
  }

  #add(command: Command): void {
    const part = this.#sent[0] as Set<Command>
    part.add(command)
    this.#underWay += 1
    const answered = () => {
      part.delete(command)
      this.#underWay -= 1
    }
    command.promise.then(answered, answered)
    if (this.#timer !== undefined) return
    // Replies that have arrived are read between timers and immediates.
    this.#timer = setLongInterval(() => setImmediate(() => this.#next()), this.timeoutMs / TIMEOUT_TICKS)
    this.#timer.unref()
  }

  #next(): void {
    this.#sent.unshift(new Set())
    // One more: the first tick had already begun when a command was sent.
    const late = this.#sent.length > TIMEOUT_TICKS + 1 ? this.#sent.pop() : undefined
    for (const command of late ?? []) command.reject(new Error('Command timed out'))
    if (this.#underWay > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

import { TIMEOUT_TICKS } from '@sluice/core/siblings'
import type { Cluster, Command, Redis } from 'ioredis'

/** Calls with a client itself, or with each node of a Cluster that it connects to from now on. */
function eachConnection(client: Redis | Cluster, use: (connection: Redis) => void): void {
  if (client.isCluster) client.on('+node', use)
  else use(client as Redis)
}

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

/**
 * Ends commands that are not answered in time, which is up to 20% longer than was asked for. Like `setBusyAwareTimeout`, it counts a period in which the event loop
 * is blocked as one tick at most, and reads first what was answered meanwhile; but one timer serves all commands.
 */
export class CommandTimeouts {
  /** Commands that are under way, by the part of the time in which they were sent, the latest first. */
  readonly #sent: Set<Command>[] = [new Set()]
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(private readonly timeoutMs: number) {}

  /** Holds a connection, or each of a Cluster, to the time. Its own `commandTimeout` must be off: ioredis counts time in which nobody could read the answer. */
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
    // Answers that have come are read between timers and immediates.
    this.#timer = setInterval(() => setImmediate(() => this.#next()), this.timeoutMs / TIMEOUT_TICKS)
    this.#timer.unref()
  }

  #next(): void {
    this.#sent.unshift(new Set())
    // One more: the first part was under way when a command was sent.
    const late = this.#sent.length > TIMEOUT_TICKS + 1 ? this.#sent.pop() : undefined
    for (const command of late ?? []) command.reject(new Error('Command timed out'))
    if (this.#underWay > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

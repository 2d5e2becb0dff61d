import type { Command, Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CommandTimeouts } from '../../src/server/server.ts'

const MS = 500

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A command as ioredis represents it, and functions that settle it. */
function command() {
  let [answer, reject]: ((value?: unknown) => void)[] = []
  const promise = new Promise((resolve, fail) => {
    answer = resolve
    reject = fail
  })
  const settled = vi.fn()
  promise.then(
    () => settled('answered'),
    (error: Error) => settled(error.message),
  )
  return { sent: { promise, reject } as unknown as Command, answer: () => answer?.(), settled }
}

/** A connection that sends nothing, with a command timeout. */
function connection(ms = MS) {
  const redis = { isCluster: false, sendCommand: vi.fn((sent: Command) => sent.promise) }
  const timeouts = new CommandTimeouts(ms)
  timeouts.watch(redis as unknown as Redis)
  return redis
}

describe('CommandTimeouts', () => {
  it('rejects an unanswered command after the timeout, at most 20% late', async () => {
    const redis = connection()
    const { sent, settled } = command()
    void redis.sendCommand(sent)
    await vi.advanceTimersByTimeAsync(MS - 1)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(MS / 5 + 2)
    expect(settled).toHaveBeenCalledExactlyOnceWith('Command timed out')
  })

  it('applies the timeout to each command separately', async () => {
    const redis = connection()
    const [first, second] = [command(), command()]
    void redis.sendCommand(first.sent)
    await vi.advanceTimersByTimeAsync(250)
    void redis.sendCommand(second.sent)
    await vi.advanceTimersByTimeAsync(351)
    expect(first.settled).toHaveBeenCalledExactlyOnceWith('Command timed out')
    expect(second.settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(300)
    expect(second.settled).toHaveBeenCalledExactlyOnceWith('Command timed out')
  })

  it('ignores answered commands, and clears its timer when none is in flight', async () => {
    const redis = connection()
    const { sent, answer, settled } = command()
    void redis.sendCommand(sent)
    answer()
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(settled).toHaveBeenCalledExactlyOnceWith('answered')
    expect(vi.getTimerCount()).toBe(0)
    const later = command()
    void redis.sendCommand(later.sent)
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(later.settled).toHaveBeenCalledExactlyOnceWith('Command timed out')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('reads pending replies before it rejects a command', async () => {
    const redis = connection(5)
    const { sent, answer, settled } = command()
    void redis.sendCommand(sent)
    await vi.advanceTimersByTimeAsync(5)
    // The reply is read in the event-loop tick in which the timeout expires.
    setTimeout(answer, 1)
    await vi.advanceTimersByTimeAsync(10)
    expect(settled).toHaveBeenCalledExactlyOnceWith('answered')
  })

  it('applies to every node of a Cluster', async () => {
    const listeners: ((node: Redis) => void)[] = []
    const cluster = {
      isCluster: true,
      on: (_event: string, listener: (node: Redis) => void) => listeners.push(listener),
    }
    new CommandTimeouts(MS).watch(cluster as unknown as Redis)
    const node = { isCluster: false, sendCommand: (sent: Command) => sent.promise }
    for (const listener of listeners) listener(node as unknown as Redis)
    const { sent, settled } = command()
    void node.sendCommand(sent)
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(settled).toHaveBeenCalledExactlyOnceWith('Command timed out')
  })
})

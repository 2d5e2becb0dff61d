import { afterEach, describe, expect, it, vi } from 'vitest'
import { Guard } from '../../../../src/cache/stores/kit/guard.ts'

const ok = () => Promise.resolve('answer')
const fail = () => Promise.reject(new Error('ECONNRESET'))
const full = () => Promise.reject(new Error('OOM command not allowed'))

function guardOf(maxFailures = 3) {
  let breaks = 0
  const guard = new Guard({
    store: 'Redis',
    maxFailures,
    retryAfterMs: 60_000,
    isReply: (error) => error instanceof Error && error.message.startsWith('OOM '),
    onBreak: () => {
      breaks += 1
    },
  })
  const failing = async (times: number, send = fail) => {
    for (let at = 0; at < times; at += 1)
      await expect(guard.run(send)).rejects.toMatchObject({ code: 'SLUICE_STORE_UNAVAILABLE' })
  }
  return { guard, failing, breaks: () => breaks }
}

/** A command that fails on demand. */
function held(guard: Guard) {
  let end: (error: Error) => void = () => {}
  const sent = guard.run(
    () =>
      new Promise((_, reject) => {
        end = reject
      }),
  )
  return { sent, end: (error: Error) => end(error) }
}

describe('Guard', () => {
  it('rejects commands after several consecutive failures', async () => {
    const { guard, failing, breaks } = guardOf()
    await failing(3)
    expect([guard.isOpen, breaks()]).toEqual([true, 1])
    await expect(guard.run(ok)).rejects.toThrow('circuit breaker is open')
    expect(guard.counters).toEqual({ sent: 3, failed: 3, refused: 1 })
  })

  it('counts only consecutive failures: any reply resets the count, even an out-of-memory error', async () => {
    const { guard, failing } = guardOf()
    for (const answer of [ok, full]) {
      await failing(2)
      await guard.run(answer).catch(() => {})
    }
    await failing(2)
    expect(guard.isOpen).toBe(false)
    await failing(1)
    expect(guard.isOpen).toBe(true)
  })

  it('rejects a command that was in flight when the circuit opened with its own error', async () => {
    const { guard, failing } = guardOf()
    const { sent, end } = held(guard)
    await failing(3)
    end(new Error('late'))
    await expect(sent).rejects.toThrow('late')
    expect(guard.counters).toEqual({ sent: 4, failed: 4, refused: 0 })
  })

  it('ignores failures of an earlier connection', async () => {
    const { guard, breaks } = guardOf(1)
    const { sent, end } = held(guard)
    guard.reset()
    end(new Error('late'))
    await expect(sent).rejects.toThrow('late')
    expect([guard.isOpen, breaks()]).toEqual([false, 0])
  })

  describe('when the pause is over', () => {
    afterEach(() => {
      vi.useRealTimers()
    })
    const broken = async () => {
      vi.useFakeTimers({ toFake: ['performance'] })
      const parts = guardOf(1)
      await parts.failing(1)
      return parts
    }

    it('tries one call, and rejects others until it is answered', async () => {
      const { guard, breaks } = await broken()
      vi.advanceTimersByTime(59_999)
      await expect(guard.run(ok)).rejects.toThrow('circuit breaker is open')
      vi.advanceTimersByTime(1)
      const tried = held(guard)
      await expect(guard.run(ok)).rejects.toThrow('circuit breaker is open')
      tried.end(new Error('still down'))
      await expect(tried.sent).rejects.toThrow('still down')
      expect([guard.isOpen, breaks()]).toEqual([true, 2])
      await expect(guard.run(ok)).rejects.toThrow('circuit breaker is open')
      vi.advanceTimersByTime(60_000)
      expect(await guard.run(ok)).toBe('answer')
      expect(guard.isOpen).toBe(false)
      expect(await guard.run(ok)).toBe('answer')
      expect(guard.counters).toEqual({ sent: 4, failed: 2, refused: 3 })
    })

    it('is closed by a reply that says that the memory is full', async () => {
      const { guard } = await broken()
      vi.advanceTimersByTime(60_000)
      await expect(guard.run(full)).rejects.toThrow('OOM')
      expect(guard.isOpen).toBe(false)
    })

    it('is not closed by a call from before', async () => {
      const { guard, failing } = guardOf(1)
      let answer: (value: string) => void = () => {}
      const early = guard.run(
        () =>
          new Promise<string>((resolve) => {
            answer = resolve
          }),
      )
      await failing(1)
      answer('late')
      expect(await early).toBe('late')
      expect(guard.isOpen).toBe(true)
    })
  })

  it('rejects commands after it is closed', async () => {
    const { guard } = guardOf()
    guard.close()
    await expect(guard.run(ok)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
  })
})

import { describe, expect, it } from 'vitest'
import { Guard } from '../src/guard.ts'

const ok = () => Promise.resolve('answer')
const fail = () => Promise.reject(new Error('ECONNRESET'))
const full = () => Promise.reject(new Error('OOM command not allowed'))

function guardOf(maxFailures = 3) {
  let breaks = 0
  const guard = new Guard({
    maxFailures,
    retryAfterMs: 60_000,
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

  it('rejects commands after it is closed', async () => {
    const { guard } = guardOf()
    guard.close()
    await expect(guard.run(ok)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Notifier, Notifiers } from '../../../src/monitoring/alerts/notifier.ts'
import { alertWith } from './alert.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  // First the spies on fake timers.
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const TIMEOUT_MS = 5_000
const settle = () => vi.advanceTimersByTimeAsync(0)

function open() {
  const errors: string[] = []
  const notifiers = new Notifiers(TIMEOUT_MS, (error) => errors.push((error as Error).message))
  const tell = (id: string) => notifiers.send(alertWith({ id }), 'raised')
  return { notifiers, errors, tell }
}

/** A notifier whose behavior depends on the number of the call. */
function notifier(act: (call: number, signal: AbortSignal) => void | Promise<void> = () => {}) {
  const told: string[] = []
  const one: Notifier = {
    name: 'pager',
    notify: ({ id }, change, signal) => {
      told.push(`${change} ${id}`)
      return act(told.length, signal)
    },
  }
  return { one, told }
}

const never = () => new Promise<void>(() => {})
const failing = () => Promise.reject(new Error('no line'))

describe('Notifiers', () => {
  it('notify all notifiers in order, one notice at a time for each', async () => {
    const { notifiers, tell } = open()
    const ends: (() => void)[] = []
    const slow = notifier(() => new Promise((resolve) => ends.push(resolve)))
    const quick = notifier()
    notifiers.add(slow.one)
    notifiers.add(quick.one)
    for (const id of ['1', '2', '3']) tell(id)
    await settle()
    expect(slow.told).toEqual(['raised 1'])
    expect(quick.told).toEqual(['raised 1', 'raised 2', 'raised 3'])
    for (const told of [2, 3, 3]) {
      ends.shift()?.()
      await settle()
      expect(slow.told).toHaveLength(told)
    }
    tell('4')
    await settle()
    expect(slow.told).toEqual(['raised 1', 'raised 2', 'raised 3', 'raised 4'])
  })

  it('retry after 1, 2 and 4 seconds, and then continue with the next notice', async () => {
    const { notifiers, errors, tell } = open()
    const { one, told } = notifier((call) => (call <= 4 ? failing() : undefined))
    notifiers.add(one)
    tell('1')
    tell('2')
    for (const [afterMs, calls] of [
      [0, 1],
      [999, 1],
      [1, 2],
      [1_999, 2],
      [1, 3],
      [3_999, 3],
      // The fourth attempt was the last one for this notice.
      [1, 5],
    ] as const) {
      await vi.advanceTimersByTimeAsync(afterMs)
      expect(told).toHaveLength(calls)
    }
    expect(told).toEqual(['raised 1', 'raised 1', 'raised 1', 'raised 1', 'raised 2'])
    expect(errors).toEqual(['no line', 'no line', 'no line', 'no line'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toHaveLength(5)
  })

  it('treat a notifier that throws as failed', async () => {
    const { notifiers, errors, tell } = open()
    const { one, told } = notifier((call) => {
      if (call === 1) throw new Error('no pager')
    })
    notifiers.add(one)
    tell('1')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told).toHaveLength(2)
    expect(errors).toEqual(['no pager'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('abort a notifier after the timeout and retry', async () => {
    const { notifiers, errors, tell } = open()
    const signals: AbortSignal[] = []
    const { one, told } = notifier((call, signal) => {
      signals.push(signal)
      return call === 1 ? never() : undefined
    })
    notifiers.add(one)
    tell('1')
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS - 1)
    expect([errors, signals[0]?.aborted]).toEqual([[], false])
    await vi.advanceTimersByTimeAsync(2)
    expect(errors).toEqual(['The notifier "pager" did not finish within 5000 ms.'])
    expect(signals[0]?.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(told).toEqual(['raised 1', 'raised 1'])
    expect(signals[1]?.aborted).toBe(false)
  })

  it('leave no timer that keeps the process alive', async () => {
    const { notifiers, tell } = open()
    const unref = vi.spyOn(globalThis, 'setInterval')
    const { one } = notifier(() => never())
    notifiers.add(one)
    tell('1')
    await settle()
    const timers = unref.mock.results.map(({ value }) => value as NodeJS.Timeout)
    expect(timers).toHaveLength(1)
    for (const timer of timers) expect(timer.hasRef()).toBe(false)
  })

  it('retain up to 1,000 waiting notices, and discard the oldest', async () => {
    const { notifiers, tell } = open()
    let isStuck = true
    const { one, told } = notifier(() => (isStuck ? never() : undefined))
    notifiers.add(one)
    for (let id = 0; id <= 1_002; id += 1) tell(String(id))
    isStuck = false
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 1_001)
    expect(told.slice(0, 4)).toEqual(['raised 0', 'raised 0', 'raised 3', 'raised 4'])
    expect(told.at(-1)).toBe('raised 1002')
    expect(told).toHaveLength(1_002)
  })

  it('stop notifying a removed notifier, even of waiting and failed notices', async () => {
    const { notifiers, errors, tell } = open()
    const signals: AbortSignal[] = []
    const stuck = notifier((_, signal) => {
      signals.push(signal)
      return never()
    })
    const broken = notifier(failing)
    const other = notifier()
    const removeStuck = notifiers.add(stuck.one)
    const removeBroken = notifiers.add(broken.one)
    notifiers.add(other.one)
    tell('1')
    tell('2')
    await settle()
    removeStuck()
    removeBroken()
    expect(signals[0]?.aborted).toBe(true)
    tell('3')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([stuck.told, broken.told]).toEqual([['raised 1'], ['raised 1']])
    expect(other.told).toHaveLength(3)
    expect(errors).toEqual(['no line'])
  })

  it('treat each addition of a notifier separately', async () => {
    const { notifiers, tell } = open()
    const { one, told } = notifier()
    const remove = notifiers.add(one)
    notifiers.add(one)
    tell('1')
    remove()
    remove()
    tell('2')
    await settle()
    expect(told).toEqual(['raised 1', 'raised 1', 'raised 2'])
  })

  it('send nothing after close, and abort calls in flight without an error', async () => {
    const { notifiers, errors, tell } = open()
    const aborted = notifier(
      (_, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    )
    const broken = notifier(failing)
    notifiers.add(aborted.one)
    notifiers.add(broken.one)
    tell('1')
    tell('2')
    await settle()
    notifiers.close()
    tell('3')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([aborted.told, broken.told]).toEqual([['raised 1'], ['raised 1']])
    expect(errors).toEqual(['no line'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { progressOn } from '../../src/commands/progress.ts'

let written: string[]
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  written = []
})
afterEach(() => {
  vi.useRealTimers()
})

const progress = (isErrTerminal: boolean, columns = 80) =>
  progressOn({
    out: () => {},
    err: (text) => void written.push(text),
    isErrTerminal,
    columns,
    isTerminal: !isErrTerminal,
  })

describe('progress on a terminal', () => {
  it('shows the operation after 0.5 s, even without further updates, and removes it at the end', () => {
    const one = progress(true)
    one.update('Connecting')
    vi.advanceTimersByTime(499)
    expect(written).toEqual([])
    vi.advanceTimersByTime(1)
    expect(written).toEqual(['\r\u001b[2KConnecting …'])
    one.end()
    expect(written.at(-1)).toBe('\r\u001b[2K')
  })

  it('writes nothing for an operation that ends earlier', () => {
    const one = progress(true)
    one.update('Connecting')
    vi.advanceTimersByTime(400)
    one.end()
    vi.advanceTimersByTime(10_000)
    expect(written).toEqual([])
  })

  it('draws a bar in one line when the share is known, at most 10 times per second', () => {
    const one = progress(true, 40)
    vi.advanceTimersByTime(600)
    for (let at = 0; at <= 100; at += 1) {
      one.update(`round ${at} ${'x'.repeat(80)}`, at / 100)
      vi.advanceTimersByTime(10)
    }
    expect(written.length).toBeLessThanOrEqual(12)
    for (const text of written)
      expect([text.startsWith('\r\u001b[2K'), text.slice(5).length < 40]).toEqual([true, true])
    expect(written.at(-1)?.slice(5)).toMatch(/^█+.*\d+% {2}round \d+ x*…$/)
  })
})

describe('progress without a terminal', () => {
  it('writes a line after 2 s, even without further updates, and none for a shorter operation', () => {
    const one = progress(false)
    one.update('Connecting')
    vi.advanceTimersByTime(1_999)
    expect(written).toEqual([])
    vi.advanceTimersByTime(1)
    expect(written).toEqual(['Connecting …\n'])
    const short = progress(false)
    short.update('Reading')
    vi.advanceTimersByTime(1_500)
    short.end()
    vi.advanceTimersByTime(60_000)
    expect(written).toEqual(['Connecting …\n'])
  })

  it('writes periodic plain lines', () => {
    const one = progress(false)
    for (let second = 0; second < 30; second += 1) {
      one.update('round 1/5', second / 30)
      vi.advanceTimersByTime(1_000)
    }
    one.end()
    vi.advanceTimersByTime(60_000)
    expect(written).toEqual(['round 1/5  3%\n', 'round 1/5  36%\n', 'round 1/5  70%\n'])
  })
})

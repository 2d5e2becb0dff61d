import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SectionLoader } from '../../../page/src/live/section-loader.ts'

describe('SectionLoader', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function made(ask: (signal: AbortSignal) => Promise<number>) {
    const answers: number[] = []
    const errors: string[] = []
    return {
      answers,
      errors,
      asker: new SectionLoader<number>({
        load: ask,
        onAnswer: (answer) => answers.push(answer),
        onError: ({ message }) => errors.push(message),
      }),
    }
  }

  it('sends at most one request per second, however often `wish` is called', async () => {
    let asked = 0
    const { asker } = made(async () => ++asked)
    for (let wish = 0; wish < 39; wish += 1) {
      asker.wish()
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(asked).toBe(2)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(asked).toBe(3)
  })

  it('sends requests even if calls of `wish` are more frequent than responses', async () => {
    const { asker, answers } = made(() => new Promise((done) => setTimeout(() => done(1), 700)))
    for (let wish = 0; wish < 20; wish += 1) {
      asker.wish()
      await vi.advanceTimersByTimeAsync(250)
    }
    expect(answers.length).toBeGreaterThanOrEqual(3)
  })

  it('sends requests sequentially', async () => {
    let [underWay, most] = [0, 0]
    const { asker } = made(async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise((done) => setTimeout(done, 2_500))
      underWay -= 1
      return 1
    })
    for (let wish = 0; wish < 20; wish += 1) {
      asker.wish(wish % 2 === 0)
      await vi.advanceTimersByTimeAsync(500)
    }
    expect(most).toBe(1)
  })

  it('reports nothing after it has ended', async () => {
    let signal: AbortSignal | undefined
    const { asker, answers, errors } = made((given) => {
      signal = given
      return new Promise((_, fail) => given.addEventListener('abort', () => fail(new Error('aborted'))))
    })
    asker.wish()
    asker.end()
    asker.wish(true)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(signal?.aborted).toBe(true)
    expect([...answers, ...errors]).toEqual([])
  })

  it('continues after an error', async () => {
    let asked = 0
    const { asker, answers, errors } = made(async () => {
      asked += 1
      if (asked === 1) throw new Error('The app does not respond.')
      return asked
    })
    asker.wish()
    await vi.advanceTimersByTimeAsync(0)
    asker.wish()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(errors).toEqual(['The app does not respond.'])
    expect(answers).toEqual([2])
  })
})

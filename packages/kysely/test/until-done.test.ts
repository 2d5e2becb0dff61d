import { describe, expect, it } from 'vitest'
import { untilDone } from '../src/until-done.ts'

describe('untilDone', () => {
  it('runs a function once for all calls', async () => {
    let runs = 0
    const run = untilDone(async (by: number) => {
      runs += by
    })
    await Promise.all([run(1), run(2)])
    await run(3)
    expect(runs).toBe(1)
  })

  it('runs again after an error, which every caller gets', async () => {
    let runs = 0
    const run = untilDone(async () => {
      runs += 1
      if (runs === 1) throw new Error('No server.')
    })
    const [first, second] = await Promise.allSettled([run(), run()])
    expect([first.status, second.status, runs]).toEqual(['rejected', 'rejected', 1])
    await run()
    await run()
    expect(runs).toBe(2)
  })
})

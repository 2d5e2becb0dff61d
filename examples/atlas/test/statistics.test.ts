import { afterAll, describe, expect, it } from 'vitest'
import { silentProgress } from '../src/progress.ts'
import { runStatistics } from '../src/statistics/run-statistics.ts'
import { smallFixture } from './fixture.ts'

const fixture = smallFixture()
afterAll(() => fixture.remove())

describe('runStatistics', () => {
  it('computes every region as a batch, with fewer statements than calls', async () => {
    const run = await runStatistics(fixture.target, silentProgress)
    expect(run.batch).toMatchObject({
      status: 'completed',
      totalItems: 3,
      processedItems: 3,
      failedItems: 0,
      progress: 100,
    })
    expect(run).toMatchObject({ cities: 3, wrong: 0 })
    expect(run.operations).toBeGreaterThan(6)
  })
})

import { describe, expect, it } from 'vitest'
import { QueueStats } from '../../src/jobs/queues.ts'

describe('QueueStats', () => {
  it('keeps the error of a rejected write until a write succeeds, for at most 30 seconds', () => {
    const stats = new QueueStats(0)
    const error = new Error('the disk is full')
    stats.backendFailed(1_000, error)
    expect(stats.backendFailure(30_999)).toBe(error)
    expect(stats.backendFailure(31_000)).toBeUndefined()
    stats.backendFailed(40_000, error)
    stats.backendWorked()
    expect(stats.backendFailure(40_000)).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { MemoryGate } from '../../../src/monitoring/scaling/targets/cluster/cluster-worker.ts'

const MB = 1_048_576
const gateOf = (available: number, workerBytes = 100 * MB, reserveBytes = 50 * MB) =>
  new MemoryGate({ workerBytes, reserveBytes }, () => available)

describe('MemoryGate', () => {
  it('has room for whole workers, besides what is to stay free', () => {
    expect(gateOf(249 * MB).room(0)).toBe(1)
    expect(gateOf(250 * MB).room(0)).toBe(2)
    expect(gateOf(10 * MB).room(0)).toBe(0)
  })

  it('keeps room for those that are starting', () => {
    expect(gateOf(450 * MB).room(1)).toBe(3)
    expect(gateOf(450 * MB).room(9)).toBe(0)
  })

  it('does not look at memory where workers take none', () => {
    expect(gateOf(0, 0).room(3)).toBe(Number.POSITIVE_INFINITY)
  })

  it('says why', () => {
    expect(gateOf(120 * MB).reason()).toBe('Not enough memory: 120 MB are free, of which 50 MB are reserved, and a worker needs 100 MB.')
  })

  it('asks the machine by itself', () => {
    expect(new MemoryGate({ workerBytes: 1, reserveBytes: 0 }).room(0)).toBeGreaterThan(MB)
    expect(new MemoryGate({ workerBytes: 2 ** 60, reserveBytes: 0 }).room(0)).toBe(0)
  })
})

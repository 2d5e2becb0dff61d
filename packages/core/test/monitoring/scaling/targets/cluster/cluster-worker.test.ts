import { describe, expect, it } from 'vitest'
import { MemoryGate } from '../../../../../src/monitoring/scaling/targets/cluster/cluster-worker.ts'

const MB = 1_048_576
const gateOf = (available: number, workerBytes = 100 * MB, reserveBytes = 50 * MB) =>
  new MemoryGate({ workerBytes, reserveBytes }, () => available)

describe('MemoryGate', () => {
  it('allows whole workers within the free memory minus the reserve', () => {
    expect(gateOf(249 * MB).room(0)).toBe(1)
    expect(gateOf(250 * MB).room(0)).toBe(2)
    expect(gateOf(10 * MB).room(0)).toBe(0)
  })

  it('reserves memory for starting workers', () => {
    expect(gateOf(450 * MB).room(1)).toBe(3)
    expect(gateOf(450 * MB).room(9)).toBe(0)
  })

  it('allows any number if workers use no memory', () => {
    expect(gateOf(0, 0).room(3)).toBe(Number.POSITIVE_INFINITY)
  })

  it('describes the reason with the free memory and the size of a worker', () => {
    expect(gateOf(120 * MB).reason()).toBe(
      'Not enough memory: 120 MB are free, of which 50 MB are reserved, and a worker needs 100 MB.',
    )
  })

  it('uses the memory of the machine by default', () => {
    expect(new MemoryGate({ workerBytes: 1, reserveBytes: 0 }).room(0)).toBeGreaterThan(MB)
    expect(new MemoryGate({ workerBytes: 2 ** 60, reserveBytes: 0 }).room(0)).toBe(0)
  })
})

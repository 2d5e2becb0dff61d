import { describe, expect, it } from 'vitest'
import {
  ALL_FAULTS,
  type BoundedFaults,
  type BoundedProtocol,
  CORRECTED,
  MISTAKES,
  NO_FAULTS,
} from './bounded-protocol.ts'
import { type Simulation, simulateBounded } from './simulate-bounded.ts'

const SEEDS = Array.from({ length: 40 }, (_, index) => (index + 1) * 7919)

function simulateAll(protocol: BoundedProtocol, faults: BoundedFaults): Simulation[] {
  return SEEDS.map((seed) => simulateBounded(protocol, faults, seed))
}

function total(runs: readonly Simulation[], count: Exclude<keyof Simulation, 'worstMs'>): number {
  return runs.reduce((sum, run) => sum + run[count], 0)
}

describe('bounded mode in a simulation', () => {
  it('serves nothing older than the bound after its acknowledgement, with every fault', () => {
    const runs = simulateAll(CORRECTED, ALL_FAULTS)
    expect(total(runs, 'tooStale')).toBe(0)
    expect(total(runs, 'tooStaleSinceCommit')).toBe(0)
    expect(total(runs, 'fromMemory')).toBeGreaterThan(total(runs, 'reads') / 10)
    expect(total(runs, 'byNotedStamp')).toBeGreaterThan(total(runs, 'reads') / 100)
    expect(total(runs, 'filledByNote')).toBeGreaterThan(0)
  })

  it('serves nothing by a noted stamp after a message invalidated it', () => {
    expect(total(simulateAll(CORRECTED, ALL_FAULTS), 'overtaken')).toBe(0)
    expect(
      total(simulateAll({ ...CORRECTED, currentAtReply: false }, ALL_FAULTS), 'overtaken'),
    ).toBeGreaterThan(0)
  })

  it('is stale for at most the delay of a message, without faults', () => {
    const runs = simulateAll(CORRECTED, NO_FAULTS)
    expect(Math.max(...runs.map(({ worstMs }) => worstMs))).toBeLessThan(100)
  })

  it.each(Object.entries(MISTAKES))('detects that %s', (_, protocol) => {
    expect(SEEDS.some((seed) => simulateBounded(protocol, ALL_FAULTS, seed).tooStaleSinceCommit > 0)).toBe(
      true,
    )
  })
})

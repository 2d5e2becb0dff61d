import { describe, expect, it } from 'vitest'
import { ALL_FAULTS, type BoundedFaults, type BoundedProtocol, CORRECTED, MISTAKES, NO_FAULTS } from './bounded-protocol.ts'
import { type Simulation, simulateBounded } from './simulate-bounded.ts'

const SEEDS = Array.from({ length: 10 }, (_, index) => (index + 1) * 7919)

function simulateAll(protocol: BoundedProtocol, faults: BoundedFaults): Simulation[] {
  return SEEDS.map((seed) => simulateBounded(protocol, faults, seed))
}

function total(runs: readonly Simulation[], count: Exclude<keyof Simulation, 'worstMs'>): number {
  return runs.reduce((sum, run) => sum + run[count], 0)
}

describe('bounded mode in a simulation', () => {
  it('answers nothing older than the bound after it was acknowledged, with every fault', () => {
    const runs = simulateAll(CORRECTED, ALL_FAULTS)
    expect(total(runs, 'tooStale')).toBe(0)
    expect(total(runs, 'tooStaleSinceCommit')).toBe(0)
    expect(total(runs, 'fromMemory')).toBeGreaterThan(total(runs, 'reads') / 10)
  })

  it('is stale for no more than a message takes, without faults', () => {
    const runs = simulateAll(CORRECTED, NO_FAULTS)
    expect(Math.max(...runs.map(({ worstMs }) => worstMs))).toBeLessThan(100)
  })

  it.each(Object.entries(MISTAKES))('finds out when %s', (_, protocol) => {
    expect(total(simulateAll(protocol, ALL_FAULTS), 'tooStaleSinceCommit')).toBeGreaterThan(0)
  })
})

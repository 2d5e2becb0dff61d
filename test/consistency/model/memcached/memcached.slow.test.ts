import { describe, expect, it } from 'vitest'
import { exploreMemcached } from './explore.ts'
import { FOUND_IN, SCENARIOS, type ScenarioName } from './scenarios.ts'
import type { Mistake } from './world.ts'

/** Breadth first, so that only the longest paths are omitted. `main.ts --memcached` visits all. */
const MAX_STATES = 10_000

describe('the protocol over Memcached in a model', () => {
  it.each(Object.keys(SCENARIOS) as ScenarioName[])('violates no invariant: %s', (name) => {
    const { broken, hits, isCut } = exploreMemcached(SCENARIOS[name], [], MAX_STATES)
    expect(broken).toEqual({})
    expect(isCut || hits > 0).toBe(true)
  })

  it.each(Object.entries(FOUND_IN) as [Mistake, ScenarioName][])('finds %s: %s', (mistake, name) => {
    expect(Object.keys(exploreMemcached(SCENARIOS[name], [mistake]).broken)).not.toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { explore } from './explore.ts'
import { FULL, NAIVE, RULES, type Rule, without } from './rules.ts'
import { LIMITS, SCENARIOS, type ScenarioName } from './scenarios.ts'

/** Breadth first, so that only the longest paths are omitted. `main.ts` visits all. */
const MAX_STATES = 10_000

/** The scenario in which each rule is missed first. */
const MISSED_IN: Record<Exclude<Rule, 'readerCreates' | 'unsureAwaitsEnd'>, ScenarioName> = {
  beginDestroys: 'lapseCrash',
  ownIntents: 'crashOfTwo',
  openSeesIntents: 'lapseCrash',
  endWaitsForOthers: 'crashOfTwo',
  endNeedsOwn: 'everythingAndRowFlushCrash',
  commitCheck: 'lapseCrash',
  epochCheck: 'flushCrash',
  quarantine: 'flushCrash',
  readSeesQuarantine: 'restoreCrash',
  heartbeat: 'flushCrash',
  joinCloses: 'join',
  joinValidates: 'join',
  abandonUnknown: 'unknownCommit',
  abandonedDeclared: 'unknownFlush',
  leaseCoversDb: 'unknownCommit',
  dbFence: 'pauseLapseCrash',
  intentsKept: 'evictIntentCrash',
  allTag: 'massWrite',
  setTag: 'listByRows',
  nullUnderSet: 'insertOfNull',
  prefetchValidated: 'prefetch',
  primaryOnly: 'replica',
  everyIntent: 'everythingFlushCrash',
  everyGuard: 'everythingAndRowFlushCrash',
}
const NEED_THE_FENCE: readonly ScenarioName[] = ['pauseLapse', 'pauseLapseCrash']
const names = Object.keys(SCENARIOS) as ScenarioName[]

describe('the protocol in a model', () => {
  it.each(names)('violates no invariant: %s', (name) => {
    const { broken, hits, isCut } = explore(SCENARIOS[name], FULL, MAX_STATES)
    expect(broken).toEqual({})
    expect(isCut || hits > 0).toBe(true)
  })

  it.each(names.filter((name) => name.startsWith('pause') && !NEED_THE_FENCE.includes(name)))(
    'needs no fence: %s',
    (name) => {
      expect(explore(SCENARIOS[name], without('dbFence'), MAX_STATES).broken).toEqual({})
    },
  )

  it.each(Object.entries(MISSED_IN) as [Rule, ScenarioName][])('needs the rule %s: %s', (rule, name) => {
    expect(Object.keys(explore(SCENARIOS[name], without(rule)).broken), RULES[rule]).not.toEqual([])
  })

  it('caches results again after a flush without writes, because OPEN sets absent stamps', () => {
    expect(explore(SCENARIOS.flushOnly, FULL).hitsAfterFlush).toBeGreaterThan(0)
    expect(explore(SCENARIOS.flushOnly, without('readerCreates')).hitsAfterFlush).toBe(0)
  })

  it.each(['plain', 'crash', 'join', 'massWrite', 'everything'] as const)(
    'detects that entries are deleted after the write: %s',
    (name) => {
      expect(Object.keys(explore(SCENARIOS[name], NAIVE, MAX_STATES).broken).sort()).toEqual(['A', 'B', 'C'])
    },
  )

  it.each(Object.keys(LIMITS) as (keyof typeof LIMITS)[])('does not cover: %s', (name) => {
    expect(explore(LIMITS[name], FULL).broken).toHaveProperty('B')
  })

  it('returns no older value than acknowledged there, because a writer awaits END if its intent may be lost', () => {
    expect(Object.keys(explore(LIMITS.longPauseFlush, FULL).broken)).toEqual(['B'])
    expect(explore(LIMITS.longPauseFlush, without('unsureAwaitsEnd')).broken).toHaveProperty('A')
    expect(Object.keys(explore(SCENARIOS.pauseLapse, without('dbFence')).broken)).toEqual(['B'])
    expect(explore(SCENARIOS.pauseLapse, without('dbFence', 'unsureAwaitsEnd')).broken).toHaveProperty('A')
  })

  it('returns the path to a violation from the first step', () => {
    expect(explore(SCENARIOS.massWrite, NAIVE).broken.A).toMatchInlineSnapshot(`
      [
        "W1 starts",
        "R1 begins to read",
        "R1 MGET: miss",
        "R1 SQL",
        "W1 COMMIT",
        "W1 deletes entries",
        "W1 acknowledges",
        "R1 fills",
        "R1 closes the flight and checks",
        "R1 is done",
        "R1 begins to read",
        "R1 MGET: hit",
      ]
    `)
  })
})

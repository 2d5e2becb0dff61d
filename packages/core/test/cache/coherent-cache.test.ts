import { expect, it, onTestFinished } from 'vitest'
import { newCounters } from '../../src/cache/cache-stats.ts'
import { CachingStrategyEngine } from '../../src/cache/caching-strategy-engine.ts'
import { TagTable } from '../../src/cache/coherence/tag-table.ts'
import { CoherentCache } from '../../src/cache/coherent-cache.ts'
import { copiers, type FetchRequest } from '../../src/cache/fetch-request.ts'
import { plainPolicy } from '../../src/cache/tiered-options.ts'
import { systemClock } from '../../src/shared/clock.ts'

it('CoherentCache shares loads of one key within a namespace only', async () => {
  const clock = systemClock
  const engine = new CachingStrategyEngine({ clock })
  onTestFinished(() => engine.close())
  const onError = () => {}
  const counters = newCounters()
  const cache = new CoherentCache({
    engine,
    clock,
    counters,
    known: { types: undefined },
    onError,
    shared: undefined,
    table: new TagTable(clock),
    random: Math.random,
  })
  let loads = 0
  const fetch = (namespace: string) => {
    const request: FetchRequest<string> = {
      namespace,
      key: 'k',
      sharedKey: undefined,
      tags: ['t'],
      optionalTags: 0,
      sharesErrors: false,
      policy: plainPolicy(60, 'bounded'),
      copier: copiers.none as FetchRequest<string>['copier'],
      load: async () => {
        loads += 1
        return namespace
      },
    }
    return cache.fetch(request)
  }
  expect(await Promise.all([fetch('a'), fetch('b'), fetch('a'), fetch('b')])).toEqual(['a', 'b', 'a', 'b'])
  expect(loads).toBe(2)
})

import type { CacheStore } from '../cache/stores/cache-store.ts'
import { gauge, type MetricFamily } from '../monitoring/feeds/metric-family.ts'

/** The knowledge of a shared store about the writes of other regions. */
export function regionFamilies(store: CacheStore): readonly MetricFamily[] {
  const regions = store.regions?.() ?? []
  const samplesOf = (value: (region: (typeof regions)[number]) => number | undefined) =>
    regions.flatMap((one) => {
      const found = value(one)
      return found === undefined ? [] : [{ labels: { 'sluice.region': one.region }, value: found }]
    })
  return [
    gauge(
      'sluice.cache.region.fresh',
      'Whether all writes of a region are known, up to the bound of its relay',
      '',
      samplesOf(({ isFresh }) => (isFresh ? 1 : 0)),
    ),
    gauge(
      'sluice.cache.region.age',
      'Time since all writes of a region were last known',
      's',
      samplesOf(({ ageMs }) => ageMs && ageMs / 1_000),
    ),
    {
      name: 'sluice.cache.region.lag',
      help: 'Time that writes of a region took to become known',
      unit: 's',
      type: 'summary',
      samples: regions.flatMap(({ region, lagP50Ms, lagP99Ms }) =>
        lagP50Ms === undefined || lagP99Ms === undefined
          ? []
          : [
              {
                labels: { 'sluice.region': region },
                quantiles: [
                  { quantile: 0.5, value: lagP50Ms / 1_000 },
                  { quantile: 0.99, value: lagP99Ms / 1_000 },
                ],
              },
            ],
      ),
    },
  ]
}

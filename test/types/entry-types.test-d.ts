import {
  type BatchOptions,
  type CacheOptions,
  createSluice,
  type DatabaseOptions,
  type DetectionOptions,
  type Finding,
  type JobsOptions,
  type LoadBalancingOptions,
  type Mode,
  type MonitoringOptions,
  type PrefetchOptions,
  type QueryAnalysis,
  type ResponseDifference,
  type RunOptions,
  type ScopeHandle,
  type ScopeReport,
  type ShadowDifference,
  type ShadowModeOptions,
  type Sluice,
  type SluiceEvents,
  type SluiceOptions,
  type TuningChange,
  type TuningOptions,
} from '@sluice/core'
import type { Lookup, Operation, Refusal, RowSource } from '@sluice/core/adapter'
import { describe, expectTypeOf, it } from 'vitest'

type Group<K extends keyof SluiceOptions> = Exclude<SluiceOptions[K], false | undefined>

describe('the types of @sluice/core', () => {
  it('show which engines a Sluice has', () => {
    type Jobs = NonNullable<Sluice['jobs']>
    expectTypeOf(createSluice().jobs).toEqualTypeOf<Jobs>()
    expectTypeOf(
      createSluice({ mode: 'optimize', batch: false, cache: { ttl: 5 } }).jobs,
    ).toEqualTypeOf<Jobs>()
    expectTypeOf(createSluice({ jobs: false }).jobs).toEqualTypeOf<Jobs | undefined>()
    expectTypeOf(createSluice({} as SluiceOptions).jobs).toEqualTypeOf<Jobs | undefined>()
    // @ts-expect-error: no such option
    createSluice({ mod: 'optimize' })
    // @ts-expect-error: no such option
    createSluice({ cache: { tll: 5, maxBytes: 1 } })
  })

  it('name the options of createSluice and each group of them', () => {
    expectTypeOf<Parameters<typeof createSluice>>().toEqualTypeOf<[options: SluiceOptions]>()
    expectTypeOf<Group<'mode'>>().toEqualTypeOf<Mode>()
    expectTypeOf<Group<'cache'>>().toEqualTypeOf<CacheOptions>()
    expectTypeOf<Group<'batch'>>().toEqualTypeOf<BatchOptions>()
    expectTypeOf<Group<'prefetch'>>().toEqualTypeOf<PrefetchOptions>()
    expectTypeOf<Group<'detection'>>().toEqualTypeOf<DetectionOptions>()
    expectTypeOf<Group<'database'>>().toEqualTypeOf<DatabaseOptions>()
    expectTypeOf<Group<'balancer'>>().toEqualTypeOf<LoadBalancingOptions>()
    expectTypeOf<Group<'jobs'>>().toEqualTypeOf<JobsOptions>()
    expectTypeOf<Group<'monitor'>>().toEqualTypeOf<MonitoringOptions>()
    expectTypeOf<Group<'shadow'>>().toEqualTypeOf<ShadowModeOptions>()
  })

  it('name the options of tune, and its changes', () => {
    expectTypeOf<Sluice['tune']>().parameter(0).toEqualTypeOf<TuningOptions>()
    expectTypeOf<ReturnType<Sluice['getTuning']>>().toEqualTypeOf<readonly TuningChange[]>()
  })

  it('name the payload of each event', () => {
    expectTypeOf<SluiceEvents>().toEqualTypeOf<{
      finding: Finding
      scope: ScopeReport
      fullScan: QueryAnalysis
      shadowDifference: ShadowDifference
      responseDifference: ResponseDifference
      tuning: TuningChange
      error: unknown
    }>()
  })

  it('name the handle of an open scope and the options of a run', () => {
    expectTypeOf<ReturnType<Sluice['openScope']>>().toEqualTypeOf<ScopeHandle>()
    expectTypeOf<Sluice['run']>().parameter(1).toEqualTypeOf<RunOptions | undefined>()
  })
})

describe('the types of @sluice/core/adapter', () => {
  it('name the parts of an operation', () => {
    expectTypeOf<ReturnType<NonNullable<Operation<number>['lookup']>>>().toEqualTypeOf<
      Lookup<number> | Refusal
    >()
    expectTypeOf<ReturnType<NonNullable<Operation['rowSource']>>>().toEqualTypeOf<RowSource | undefined>()
  })
})

import { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { BalancingStrategy } from '../balancing/strategies/create-picker.ts'
import { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import type { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import type { QueryOptimizationEngine } from '../query/query-optimization-engine.ts'
import { SluiceError } from '../shared/errors.ts'
import type { SluiceOptions } from './options.ts'
import { sharedDefault } from './shared-default.ts'
import { createSluice, type Sluice } from './sluice.ts'

const DEFAULT_MAX_BYTES = 100 * 1024 * 1024

interface Settings {
  readonly maxBytes: number
  readonly strategy: BalancingStrategy
}

interface Default extends Settings {
  readonly sluice: Sluice
}

/**
 * The process-wide Sluice, made by the first call: what a bare `withSluice()` and the engines' getters use. All copies of this package in a process have
 * the same one, also those of a module that is loaded anew; copies of another major version have one of their own, and say so by a warning.
 */
export function getDefaultSluice(): Sluice {
  return defaultOf({}).sluice
}

/**
 * The one that there is, or one that is made so.
 *
 * @param check - Throws for settings that cannot be; called where it is made.
 */
function defaultOf({ maxBytes = DEFAULT_MAX_BYTES, strategy = 'round-robin' }: Partial<Settings>, check?: () => void): Default {
  return sharedDefault(() => {
    check?.()
    return { sluice: createSluice({ cache: { maxBytes }, balancer: { strategy } }), maxBytes, strategy }
  })
}

/** What entry points are given: a Sluice, options to make one of, or nothing, for the process-wide default. */
export function sluiceFrom(given: Sluice | SluiceOptions | undefined): Sluice {
  if (given === undefined) return getDefaultSluice()
  return isSluice(given) ? given : createSluice(given)
}

function isSluice(given: Sluice | SluiceOptions): given is Sluice {
  return typeof given === 'object' && given !== null && 'openScope' in given
}

/**
 * The process-wide cache.
 *
 * @param bytes - Its budget in bytes, 100 MiB when left out. Only the first call may choose it.
 * @throws SluiceError `SLUICE_ALREADY_CREATED` when it exists with another budget.
 */
export function getCachingStrategyEngine(bytes?: number): CachingStrategyEngine {
  const { sluice, maxBytes } =
    bytes === undefined ? defaultOf({}) : defaultOf({ maxBytes: bytes }, () => new CachingStrategyEngine(bytes).close())
  const { cache } = sluice
  if (cache === undefined || (bytes !== undefined && bytes !== maxBytes)) {
    throw new SluiceError('SLUICE_ALREADY_CREATED', `The process-wide cache exists with ${maxBytes} bytes; it was asked for with ${bytes}.`)
  }
  return cache
}

/** The process-wide query engine. */
export function getQueryOptimizationEngine(): QueryOptimizationEngine {
  return getDefaultSluice().queries
}

/** The process-wide database engine. */
export function getDatabaseOptimizationEngine(): DatabaseOptimizationEngine {
  const { database } = getDefaultSluice()
  // The process-wide Sluice is made without options that would switch it off.
  if (database === undefined) throw new SluiceError('SLUICE_ALREADY_CREATED', 'The process-wide Sluice has no database engine.')
  return database
}

/**
 * The process-wide balancer.
 *
 * @param chosen - Its strategy, `round-robin` when left out. Only the first call may choose it; `setStrategy` changes it.
 * @throws SluiceError `SLUICE_ALREADY_CREATED` when it was made with another one.
 */
export function getLoadBalancingEngine(chosen?: BalancingStrategy): LoadBalancingEngine {
  const { sluice, strategy } =
    chosen === undefined ? defaultOf({}) : defaultOf({ strategy: chosen }, () => new LoadBalancingEngine(chosen).close())
  const { balancer } = sluice
  if (balancer === undefined || (chosen !== undefined && chosen !== strategy)) {
    throw new SluiceError('SLUICE_ALREADY_CREATED', `The process-wide balancer was made as "${strategy}"; it was asked for as "${chosen}".`)
  }
  return balancer
}

/** The process-wide monitoring engine. */
export function getMonitoringAndAutoScalingEngine(): MonitoringAndAutoScalingEngine {
  const { monitor } = getDefaultSluice()
  // The process-wide Sluice is made without options that would switch it off.
  if (monitor === undefined) throw new SluiceError('SLUICE_ALREADY_CREATED', 'The process-wide Sluice has no monitoring engine.')
  return monitor
}

/** The process-wide job engine; its tasks are kept in the process. */
export function getAsyncBatchProcessingEngine(): AsyncBatchProcessingEngine {
  const { jobs } = getDefaultSluice()
  // The process-wide Sluice is made without options that would switch it off.
  if (jobs === undefined) throw new SluiceError('SLUICE_ALREADY_CREATED', 'The process-wide Sluice has no job engine.')
  return jobs
}

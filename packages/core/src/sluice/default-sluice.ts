import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import { checkLoadBalancingOptions } from '../balancing/load-balancing-options.ts'
import type { BalancingStrategy } from '../balancing/strategies/create-picker.ts'
import { resolveEngineOptions } from '../cache/cache-options.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import type { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import type { QueryOptimizationEngine } from '../query/query-optimization-engine.ts'
import { SluiceError } from '../shared/errors.ts'
import type { Precautions } from './chains.ts'
import type { SluiceOptions } from './options.ts'
import { sharedDefault } from './shared-default.ts'
import { createSluice, Sluice } from './sluice.ts'

const DEFAULT_MAX_BYTES = 100 * 1024 * 1024

/** A setting that the getter of an engine may choose until the engine is created. */
class Setting<T> {
  #isFinal = false

  constructor(private chosen: T) {}

  get value(): T {
    return this.chosen
  }

  /** @returns `false` if the engine was created with another value. */
  choose(value: T): boolean {
    if (!this.#isFinal) this.chosen = value
    return this.chosen === value
  }

  /** Called when the engine is created. */
  finish(): T {
    this.#isFinal = true
    return this.chosen
  }
}

/** The process-wide Sluice, as its getters see it: each fixes the setting of its own engine only. */
export class DefaultSluice {
  readonly sluice: Sluice
  readonly #maxBytes = new Setting(DEFAULT_MAX_BYTES)
  readonly #strategy = new Setting<BalancingStrategy>('round-robin')

  constructor(options: SluiceOptions = {}, precautions?: Precautions) {
    this.sluice = new Sluice(options, {
      maxBytes: () => this.#maxBytes.finish(),
      strategy: () => this.#strategy.finish(),
      precautions,
    })
  }

  cache(bytes?: number): CachingStrategyEngine {
    if (bytes !== undefined) {
      resolveEngineOptions(bytes)
      if (!this.#maxBytes.choose(bytes)) {
        const message = `The process-wide cache was created with ${this.#maxBytes.value} bytes, not ${bytes}. Pass the limit in the first call, before the cache is used.`
        throw new SluiceError('SLUICE_ALREADY_CREATED', message)
      }
    }
    return created(this.sluice.cache)
  }

  balancer(strategy?: BalancingStrategy): LoadBalancingEngine {
    if (strategy !== undefined) {
      checkLoadBalancingOptions({ strategy })
      if (!this.#strategy.choose(strategy)) {
        const message = `The process-wide balancer was created with the strategy "${this.#strategy.value}", not "${strategy}". Call setStrategy("${strategy}") to change it.`
        throw new SluiceError('SLUICE_ALREADY_CREATED', message)
      }
    }
    return created(this.sluice.balancer)
  }
}

/** The process-wide Sluice has no options that turn an engine off. */
function created<T>(engine: T | undefined): T {
  if (engine === undefined)
    throw new SluiceError('SLUICE_ENGINE_DISABLED', 'This engine is disabled in the process-wide Sluice.')
  return engine
}

function defaultSluice(): DefaultSluice {
  return sharedDefault(() => new DefaultSluice())
}

/**
 * The process-wide Sluice, created by the first call: used by `withSluice()` without arguments and by the
 * engines' getters. All copies of this package in a process share it, including reloaded modules. Copies of a
 * different major version have a separate one and emit a warning.
 */
export function getDefaultSluice(): Sluice {
  return defaultSluice().sluice
}

/**
 * Creates the process-wide Sluice with options, before the app uses it. If there is one already, returns that
 * one.
 *
 * @throws InvalidOptionError for unknown options.
 */
export function startDefaultSluice(options: SluiceOptions, precautions: Precautions): Sluice {
  return sharedDefault(() => new DefaultSluice(options, precautions)).sluice
}

/**
 * Converts an argument of an entry point to a Sluice: a Sluice, options for a new one, or nothing for the
 * process-wide default.
 */
export function sluiceFrom(source: Sluice | SluiceOptions | undefined): Sluice {
  if (source === undefined) return getDefaultSluice()
  return isSluice(source) ? source : createSluice(source)
}

function isSluice(value: Sluice | SluiceOptions): value is Sluice {
  return typeof value === 'object' && value !== null && 'openScope' in value
}

/**
 * Returns the process-wide cache. The first use creates it.
 *
 * @param bytes - Memory limit in bytes. Default: 100 MiB, or the limit that the cache was created with.
 * @throws InvalidOptionError; SluiceError `SLUICE_ALREADY_CREATED` if the cache was created with another
 *   limit.
 */
export function getCachingStrategyEngine(bytes?: number): CachingStrategyEngine {
  return defaultSluice().cache(bytes)
}

/** The process-wide query engine. */
export function getQueryOptimizationEngine(): QueryOptimizationEngine {
  return getDefaultSluice().queries
}

/** The process-wide database engine. */
export function getDatabaseOptimizationEngine(): DatabaseOptimizationEngine {
  return created(getDefaultSluice().database)
}

/**
 * Returns the process-wide balancer. The first use creates it.
 *
 * @param strategy - Default: `round-robin`, or the strategy that the balancer was created with; `setStrategy`
 *   changes it.
 * @throws InvalidOptionError; SluiceError `SLUICE_ALREADY_CREATED` if the balancer was created with another
 *   strategy.
 */
export function getLoadBalancingEngine(strategy?: BalancingStrategy): LoadBalancingEngine {
  return defaultSluice().balancer(strategy)
}

/** The process-wide monitoring engine. */
export function getMonitoringAndAutoScalingEngine(): MonitoringAndAutoScalingEngine {
  return created(getDefaultSluice().monitor)
}

/** The process-wide job engine; its tasks are stored in the process. */
export function getAsyncBatchProcessingEngine(): AsyncBatchProcessingEngine {
  return created(getDefaultSluice().jobs)
}

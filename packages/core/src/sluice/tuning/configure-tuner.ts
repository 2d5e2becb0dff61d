import type { AsyncBatchProcessingEngine } from '../../jobs/async-batch-processing-engine.ts'
import type { Clock } from '../../shared/clock.ts'
import { SluiceError } from '../../shared/errors.ts'
import { CacheSize } from './cache-size.ts'
import { PoolSize, type PoolSizeParts } from './pool-size.ts'
import { QueueConcurrency } from './queue-concurrency.ts'
import type { TunedSetting } from './tuned-setting.ts'
import { Tuner } from './tuner.ts'
import { resolveTuningOptions, type TunedKind, type TuningOptions } from './tuning-options.ts'
import type { TuningParts } from './tuning-parts.ts'

/**
 * Creates the tuner, or replaces its options.
 *
 * @throws InvalidOptionError; SluiceError `SLUICE_ENGINE_DISABLED` for a setting of an engine that is off.
 */
export function configureTuner(tuner: Tuner | undefined, options: TuningOptions, parts: TuningParts): Tuner {
  const resolved = resolveTuningOptions(options)
  for (const kind of resolved.ranges.keys()) if (engineOf(kind, parts) === undefined) throw disabled(kind)
  if (tuner === undefined) return createTuner(resolved, parts)
  tuner.configure(resolved)
  return tuner
}

function createTuner(resolved: ReturnType<typeof resolveTuningOptions>, parts: TuningParts): Tuner {
  const { services, cache, pools, jobs } = parts
  const { clock, events, log, reportError } = services
  const settings: Readonly<Record<TunedKind, () => readonly TunedSetting[]>> = {
    cacheBytes: constant(cache === false ? [] : [new CacheSize(cache, clock)]),
    concurrency: jobs === false ? constant([]) : queueSettings(jobs, clock, parts.cpu),
    poolSize: pools === undefined ? constant([]) : poolSettings({ ...parts, pools, clock }),
  }
  return new Tuner(
    {
      clock,
      settingsOf: (kind) => settings[kind](),
      onChange: (change) => {
        log.tuning(change)
        events.emit('tuning', change)
      },
      onError: reportError,
    },
    resolved,
  )
}

/** The engine of a setting; `undefined` if it is off. */
function engineOf(kind: TunedKind, { cache, pools, jobs }: TuningParts): unknown {
  return { cacheBytes: cache || undefined, poolSize: pools, concurrency: jobs || undefined }[kind]
}

function disabled(kind: TunedKind): SluiceError {
  const option = { cacheBytes: 'cache', poolSize: 'database', concurrency: 'jobs' }[kind]
  return new SluiceError(
    'SLUICE_ENGINE_DISABLED',
    `tune.${kind} cannot be applied, because the option "${option}" is false. Enable it, or remove tune.${kind}.`,
  )
}

function poolSettings(parts: PoolSizeParts): () => readonly TunedSetting[] {
  return sameByName(
    () => parts.pools.pools().flatMap(({ name, resize }) => (resize === undefined ? [] : [name])),
    (name) => new PoolSize(name, parts),
  )
}

function queueSettings(
  jobs: Exclude<TuningParts['jobs'], false>,
  clock: Clock,
  cpu: () => number,
): () => readonly TunedSetting[] {
  return sameByName(
    // An unused backend must not be opened here: that may create tables.
    () => (jobs()?.isOpen === true ? (jobs()?.getQueues() ?? []) : []).map(({ name }) => name),
    (name) => new QueueConcurrency(name, jobs() as AsyncBatchProcessingEngine, clock, cpu),
  )
}

/** Creates a setting for each name, and returns the same one as long as the name exists. */
function sameByName(
  names: () => readonly string[],
  create: (name: string) => TunedSetting,
): () => readonly TunedSetting[] {
  let known = new Map<string, TunedSetting>()
  return () => {
    known = new Map(names().map((name) => [name, known.get(name) ?? create(name)]))
    return [...known.values()]
  }
}

function constant<T>(value: T): () => T {
  return () => value
}

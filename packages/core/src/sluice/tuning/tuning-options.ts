import { InvalidOptionError } from '../../shared/errors.ts'
import { checkOptions, option } from '../../shared/options.ts'

/** The values that a setting may be changed to. Integers of at least `1`. */
export interface TuningRange {
  readonly min: number
  readonly max: number
}

/** Which settings `sluice.tune` may change, and how far. A setting without a range is never changed. */
export interface TuningOptions {
  /**
   * `cache.maxBytes`, in bytes.
   * @defaultValue not changed
   */
  readonly cacheBytes?: TuningRange
  /**
   * The maximum of each connection pool that Sluice can change, in connections. Never more than the server's
   * connections allow, if these are known.
   * @defaultValue not changed
   */
  readonly poolSize?: TuningRange
  /**
   * Concurrency of each queue: the number of its tasks that run concurrently in this process.
   * @defaultValue not changed
   */
  readonly concurrency?: TuningRange
  /**
   * Milliseconds after which a change is checked: in the first half it takes effect, in the second half its
   * effect is measured. Advice is also based on as much time. From `1000` to `86400000`.
   * @defaultValue 600000
   */
  readonly checkMs?: number
  /**
   * Milliseconds for which a setting is left unchanged after a change was undone. Minimum: `0`.
   * @defaultValue 21600000
   */
  readonly retryMs?: number
}

export interface ResolvedTuningOptions {
  readonly ranges: ReadonlyMap<TunedKind, TuningRange>
  readonly checkMs: number
  readonly retryMs: number
}

const KINDS = ['cacheBytes', 'poolSize', 'concurrency'] as const
export type TunedKind = (typeof KINDS)[number]

const rules = {
  ...Object.fromEntries(KINDS.map((kind) => [kind, option.object])),
  checkMs: option.integer(1_000, 86_400_000),
  retryMs: option.number(0),
}
const bound = option.integer(1)

/** @throws InvalidOptionError for an unknown option, or an invalid value or range. */
export function resolveTuningOptions(options: TuningOptions): ResolvedTuningOptions {
  checkOptions(options, rules, 'tune.')
  const ranges = new Map<TunedKind, TuningRange>()
  for (const kind of KINDS) {
    const range = options[kind]
    if (range !== undefined) ranges.set(kind, rangeOf(`tune.${kind}`, range))
  }
  return { ranges, checkMs: options.checkMs ?? 600_000, retryMs: options.retryMs ?? 21_600_000 }
}

function rangeOf(name: string, range: TuningRange): TuningRange {
  checkOptions(range, { min: bound, max: bound }, `${name}.`)
  const { min, max } = range
  if (min === undefined) throw new InvalidOptionError(`${name}.min`, bound.expected, min)
  if (max === undefined || max < min)
    throw new InvalidOptionError(`${name}.max`, `an integer of at least ${min} (min)`, max)
  return { min, max }
}

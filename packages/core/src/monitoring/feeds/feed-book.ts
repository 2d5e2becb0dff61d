import { InvalidArgumentError } from '../../shared/errors.ts'
import { within } from '../../shared/timers.ts'
import {
  type FamilyType,
  type HistogramSample,
  labelKey,
  type MetricFamily,
  type MetricFeed,
  type NumberSample,
  OVERFLOW_LABELS,
  type Sample,
  type SummarySample,
} from './metric-family.ts'

/** Milliseconds that a feed may take. The metrics of a slower one are omitted. */
const TIMEOUT_MS = 1_000
/** Samples per family. Additional ones of counters and histograms are counted together. */
const MAX_SAMPLES = 1_000

const TYPES: ReadonlySet<string> = new Set<FamilyType>(['counter', 'gauge', 'histogram', 'summary'])

/** Whether it can be exported at all. Feeds are code of others. */
function isFamily(value: unknown): value is MetricFamily {
  if (typeof value !== 'object' || value === null) return false
  const { name, help, type, unit, samples } = value as Readonly<Record<string, unknown>>
  return (
    typeof name === 'string' &&
    /[A-Za-z]/.test(name) &&
    typeof help === 'string' &&
    (unit === undefined || typeof unit === 'string') &&
    TYPES.has(type as string) &&
    Array.isArray(samples)
  )
}

function isSample(value: unknown, type: FamilyType): value is Sample {
  if (typeof value !== 'object' || value === null) return false
  const sample = value as Readonly<Record<string, unknown>>
  if (!areLabels(sample.labels)) return false
  if (type === 'histogram') return isHistogram(sample)
  if (type === 'summary')
    return Array.isArray(sample.quantiles) && isCount(sample.sum) && isCount(sample.count)
  // A counter never goes below what it began with.
  return typeof sample.value === 'number' && (type === 'gauge' || sample.value >= 0)
}

function areLabels(labels: unknown): boolean {
  return (
    typeof labels === 'object' &&
    labels !== null &&
    Object.values(labels).every((value) => typeof value === 'string')
  )
}

function isHistogram({ bounds, counts, sum, exemplars }: Readonly<Record<string, unknown>>): boolean {
  return (
    Array.isArray(bounds) &&
    Array.isArray(counts) &&
    counts.length === bounds.length + 1 &&
    bounds.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > bounds[at - 1])) &&
    counts.every((count) => count >= 0) &&
    typeof sum === 'number' &&
    (exemplars === undefined ||
      (Array.isArray(exemplars) && exemplars.every((one) => one === undefined || isExemplar(one))))
  )
}

function isExemplar(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { labels, value: number, timestamp } = value as Readonly<Record<string, unknown>>
  return areLabels(labels) && typeof number === 'number' && Number.isFinite(timestamp)
}

function isCount(value: unknown): boolean {
  return value === undefined || typeof value === 'number'
}

interface Entry {
  readonly feed: MetricFeed
  /** A slow feed is not called again before it has responded. */
  pending: Promise<readonly MetricFamily[]> | undefined
}

interface Draft {
  readonly head: MetricFamily
  readonly samples: Sample[]
}

/** The registered feeds and their metrics. Failed feeds are omitted and counted. */
export class FeedBook {
  readonly #entries = new Map<string, Entry>()
  readonly #caps = new Map<string, SampleCap>()
  readonly #failures = new Map<string, number>()
  readonly #dropped = new Map<string, number>()

  constructor(private readonly onError: (error: unknown) => void) {}

  /** @throws InvalidArgumentError for an invalid feed, or a name that is already used. */
  add(feed: MetricFeed): () => void {
    const { name, collect } = (feed ?? {}) as Partial<MetricFeed>
    if (typeof name !== 'string' || name === '' || typeof collect !== 'function')
      throw new InvalidArgumentError('feed', 'an object with a string `name` and a function `collect`', feed)
    if (this.#entries.has(name))
      throw new InvalidArgumentError('feed.name', 'a name that no other feed uses', name)
    const entry: Entry = { feed, pending: undefined }
    this.#entries.set(name, entry)
    return () => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name)
    }
  }

  clear(): void {
    this.#entries.clear()
  }

  async collect(): Promise<readonly MetricFamily[]> {
    const collected = await Promise.all([...this.#entries.values()].map((entry) => this.#collect(entry)))
    const drafts = new Map<string, Draft>()
    for (const family of collected.flat()) this.#take(family, drafts)
    const families = [...drafts].map(([name, { head, samples }]) => {
      const capped = this.#capOf(name).apply(head.type, samples)
      return { ...head, samples: capped } as MetricFamily
    })
    for (const name of this.#caps.keys()) if (!drafts.has(name)) this.#caps.delete(name)
    return [...families, ...this.#own()]
  }

  async #collect(entry: Entry): Promise<readonly MetricFamily[]> {
    const { name } = entry.feed
    try {
      entry.pending ??= this.#begin(entry)
      const families = await within(TIMEOUT_MS, entry.pending)
      if (!Array.isArray(families))
        throw new TypeError(`The feed "${name}" did not return an array of metric families.`)
      return families
    } catch (error) {
      count(this.#failures, name)
      this.onError(error)
      return []
    }
  }

  #begin(entry: Entry): Promise<readonly MetricFamily[]> {
    const collecting = (async () => entry.feed.collect())()
    const over = () => {
      entry.pending = undefined
    }
    collecting.then(over, over)
    return collecting
  }

  #take(family: MetricFamily, drafts: Map<string, Draft>): void {
    if (!isFamily(family)) {
      count(this.#dropped, 'invalid')
      return
    }
    const known = drafts.get(family.name)
    if (known !== undefined && (known.head.type !== family.type || known.head.unit !== family.unit)) {
      count(this.#dropped, 'conflict')
      return
    }
    const samples = known?.samples ?? []
    for (const sample of family.samples) {
      if (isSample(sample, family.type)) samples.push(sample)
      else count(this.#dropped, 'invalid')
    }
    if (known === undefined) drafts.set(family.name, { head: family, samples })
  }

  #capOf(name: string): SampleCap {
    let cap = this.#caps.get(name)
    if (cap === undefined) {
      cap = new SampleCap(MAX_SAMPLES, (reason) => count(this.#dropped, reason))
      this.#caps.set(name, cap)
    }
    return cap
  }

  #own(): readonly MetricFamily[] {
    return [
      countsFamily(
        'sluice.feed.failures',
        'Number of times that a feed failed or was too slow',
        'sluice.feed.name',
        this.#failures,
      ),
      countsFamily('sluice.feed.dropped', 'Omitted families and samples', 'reason', this.#dropped),
    ]
  }
}

function countsFamily(
  name: string,
  help: string,
  label: string,
  counts: ReadonlyMap<string, number>,
): MetricFamily {
  const samples: NumberSample[] = [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }))
  return { name, help, type: 'counter', samples }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

const OVERFLOW_KEY: string = labelKey(OVERFLOW_LABELS)

/**
 * Bounds the samples of one family. Which ones are let through does not change while they are there: one that
 * came late and was counted to the overflow stays there, so that its sum never falls.
 */
class SampleCap {
  #retained: ReadonlySet<string> = new Set()
  #refused: ReadonlySet<string> = new Set()

  /**
   * @param dropped - Called for each sample that cannot be counted in the overflow, and for each duplicate.
   */
  constructor(
    private readonly max: number,
    private readonly dropped: (reason: 'overflow' | 'duplicate') => void,
  ) {}

  apply(type: FamilyType, samples: readonly Sample[]): readonly Sample[] {
    const seen = new Map<string, Sample>()
    for (const sample of samples) {
      const key = labelKey(sample.labels)
      if (seen.has(key)) this.dropped('duplicate')
      else seen.set(key, sample)
    }
    const retained = new Set<string>()
    for (const key of seen.keys()) if (this.#retained.has(key)) retained.add(key)
    const refused = new Set<string>()
    let overflow = seen.get(OVERFLOW_KEY)
    const passed: Sample[] = []
    for (const [key, sample] of seen) {
      if (key === OVERFLOW_KEY) continue
      if (retained.has(key) || (retained.size < this.max && !this.#refused.has(key))) {
        retained.add(key)
        passed.push(sample)
        continue
      }
      refused.add(key)
      const joined = join(type, overflow, sample)
      if (joined === undefined) this.dropped('overflow')
      else overflow = joined
    }
    this.#retained = retained
    this.#refused = refused
    return overflow === undefined ? passed : [...passed, overflow]
  }
}

/** @returns `undefined` where two are not one: the sum of two gauges may be nothing at all. */
function join(type: FamilyType, one: Sample | undefined, other: Sample): Sample | undefined {
  if (type === 'gauge') return undefined
  if (type === 'counter')
    return {
      labels: OVERFLOW_LABELS,
      value: ((one as NumberSample)?.value ?? 0) + (other as NumberSample).value,
    }
  if (type === 'summary') return joinSummaries(one as SummarySample | undefined, other as SummarySample)
  return joinHistograms(one as HistogramSample | undefined, other as HistogramSample)
}

function joinSummaries(one: SummarySample | undefined, other: SummarySample): SummarySample {
  const { sum = 0, count = 0 } = one ?? {}
  return {
    labels: OVERFLOW_LABELS,
    quantiles: [],
    sum: sum + (other.sum ?? 0),
    count: count + (other.count ?? 0),
  }
}

function joinHistograms(
  one: HistogramSample | undefined,
  other: HistogramSample,
): HistogramSample | undefined {
  if (one === undefined) return { ...other, labels: OVERFLOW_LABELS }
  const { bounds } = one
  if (other.bounds.length !== bounds.length || other.bounds.some((bound, at) => bound !== bounds[at]))
    return undefined
  const counts = one.counts.map((count, at) => count + (other.counts[at] as number))
  return { labels: OVERFLOW_LABELS, bounds, counts, sum: one.sum + other.sum }
}

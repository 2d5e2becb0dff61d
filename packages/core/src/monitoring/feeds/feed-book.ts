import { InvalidArgumentError } from '../../shared/errors.ts'
import { within } from '../../shared/timers.ts'
import { isFamily, isSample } from './check-family.ts'
import type { FeedOptions } from './feed-options.ts'
import type { MetricFamily, MetricFeed, NumberSample, Sample } from './metric-family.ts'
import { SampleCap } from './sample-cap.ts'

interface Entry {
  readonly feed: MetricFeed
  /** One that is slow is not asked again before it has answered. */
  pending: Promise<readonly MetricFamily[]> | undefined
}

interface Draft {
  readonly head: MetricFamily
  readonly samples: Sample[]
}

/** The feeds that there are, and what all of them tell. What fails is left out and counted. */
export class FeedBook {
  readonly #entries = new Map<string, Entry>()
  readonly #caps = new Map<string, SampleCap>()
  readonly #failures = new Map<string, number>()
  readonly #dropped = new Map<string, number>()

  constructor(
    private readonly options: Required<FeedOptions>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** @throws InvalidArgumentError for what is no feed, or has a name that another has. */
  add(feed: MetricFeed): () => void {
    const { name, collect } = (feed ?? {}) as Partial<MetricFeed>
    if (typeof name !== 'string' || name === '' || typeof collect !== 'function')
      throw new InvalidArgumentError('feed', 'an object with a text `name` and a function `collect`', feed)
    if (this.#entries.has(name)) throw new InvalidArgumentError('feed.name', 'a name that no other feed has', name)
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
    const told = await Promise.all([...this.#entries.values()].map((entry) => this.#ask(entry)))
    const drafts = new Map<string, Draft>()
    for (const family of told.flat()) this.#take(family, drafts)
    const families = [...drafts].map(([name, { head, samples }]) => {
      const capped = this.#capOf(name).apply(head.type, samples)
      return { ...head, samples: capped } as MetricFamily
    })
    for (const name of this.#caps.keys()) if (!drafts.has(name)) this.#caps.delete(name)
    return [...families, ...this.#own()]
  }

  async #ask(entry: Entry): Promise<readonly MetricFamily[]> {
    const { name } = entry.feed
    try {
      entry.pending ??= this.#begin(entry)
      const families = await within(this.options.timeoutMs, entry.pending)
      if (!Array.isArray(families)) throw new TypeError(`The feed "${name}" gave no array.`)
      return families
    } catch (error) {
      count(this.#failures, name)
      this.onError(error)
      return []
    }
  }

  #begin(entry: Entry): Promise<readonly MetricFamily[]> {
    const asked = (async () => entry.feed.collect())()
    const over = () => {
      entry.pending = undefined
    }
    asked.then(over, over)
    return asked
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
      cap = new SampleCap(this.options.maxSamples, (reason) => count(this.#dropped, reason))
      this.#caps.set(name, cap)
    }
    return cap
  }

  #own(): readonly MetricFamily[] {
    return [
      counter('sluice.feed.failures', 'Times that a feed failed or was too slow', 'sluice.feed.name', this.#failures),
      counter('sluice.feed.dropped', 'Families and samples that were left out', 'reason', this.#dropped),
    ]
  }
}

function counter(name: string, help: string, label: string, counts: ReadonlyMap<string, number>): MetricFamily {
  const samples: NumberSample[] = [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }))
  return { name, help, type: 'counter', samples }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

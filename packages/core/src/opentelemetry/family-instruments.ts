import type { BatchObservableCallback, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { Labels, MetricFamily } from '../monitoring/feeds/metric-family.ts'
import { RECORDED } from './durations.ts'

interface Point {
  readonly name: string
  readonly help: string
  readonly unit: string | undefined
  readonly kind: 'counter' | 'gauge'
  readonly labels: Labels
  readonly value: number
}

/**
 * Observable instruments for families. Which there are is found out as they come: those that are new are
 * observed from the next collection on.
 */
export class FamilyInstruments {
  readonly #instruments = new Map<string, Observable>()
  readonly #callback: BatchObservableCallback = (result) => this.#observe(result)
  #observed: ReadonlySet<Observable> = new Set()
  #isStopped = false

  constructor(
    private readonly meter: Meter,
    private readonly collect: () => Promise<readonly MetricFamily[]>,
    private readonly onError: (error: unknown) => void,
  ) {}

  async start(): Promise<void> {
    for (const point of pointsOf(await this.collect())) this.#instrumentOf(point)
    this.#register()
  }

  stop(): void {
    this.#isStopped = true
    this.meter.removeBatchObservableCallback(this.#callback, [...this.#observed])
  }

  async #observe(result: BatchObservableResult): Promise<void> {
    try {
      const before = this.#instruments.size
      for (const point of pointsOf(await this.collect())) {
        if (this.#isStopped) return
        const instrument = this.#instrumentOf(point)
        // A collection must not observe an instrument that it did not begin with.
        if (this.#observed.has(instrument)) result.observe(instrument, point.value, point.labels)
      }
      if (this.#instruments.size > before) this.#register()
    } catch (error) {
      this.onError(error)
    }
  }

  #instrumentOf({ name, help, unit, kind }: Point): Observable {
    let instrument = this.#instruments.get(name)
    if (instrument === undefined) {
      const options = { description: help, ...(unit === undefined ? {} : { unit }) }
      instrument =
        kind === 'counter'
          ? this.meter.createObservableCounter(name, options)
          : this.meter.createObservableGauge(name, options)
      this.#instruments.set(name, instrument)
    }
    return instrument
  }

  #register(): void {
    if (this.#isStopped) return
    this.meter.removeBatchObservableCallback(this.#callback, [...this.#observed])
    this.#observed = new Set(this.#instruments.values())
    this.meter.addBatchObservableCallback(this.#callback, [...this.#observed])
  }
}

function pointsOf(families: readonly MetricFamily[]): readonly Point[] {
  return families.filter(({ name }) => !RECORDED.has(name)).flatMap(pointsIn)
}

function pointsIn(family: MetricFamily): readonly Point[] {
  const { name, help, unit } = family
  switch (family.type) {
    case 'counter':
    case 'gauge': {
      const kind = family.type
      return family.samples.map(({ labels, value }) => ({ name, help, unit, kind, labels, value }))
    }
    case 'histogram':
      return family.samples.flatMap(({ labels, counts, sum }) => {
        const all = counts.reduce((total, count) => total + count, 0)
        return totalsOf(family, labels, all, sum)
      })
    case 'summary':
      return family.samples.flatMap(({ labels, quantiles, sum, count }) => [
        ...totalsOf(family, labels, count, sum),
        ...quantiles.map(({ quantile, value }): Point => {
          return { name, help, unit, kind: 'gauge', labels: { ...labels, quantile: String(quantile) }, value }
        }),
      ])
  }
}

function totalsOf(
  { name, help, unit }: MetricFamily,
  labels: Labels,
  count: number | undefined,
  sum: number | undefined,
): readonly Point[] {
  const points: Point[] = []
  const add = (part: string, of: string | undefined, value: number) =>
    points.push({
      name: `${name}.${part}`,
      help: `${help}: ${part}`,
      unit: of,
      kind: 'counter',
      labels,
      value,
    })
  if (count !== undefined) add('count', undefined, count)
  if (sum !== undefined) add('sum', unit, sum)
  return points
}

import type { Clock } from '../../shared/clock.ts'
import { LogHistogram } from './log-histogram.ts'
import type { MetricType, MetricTypes } from './metric-type.ts'
import { type Cell, Series } from './series.ts'

/** The source that stands for all that are too many. */
const OVERFLOW_SOURCE = 'other'
/** A series without values for this long is replaced by a new one if the limit of series is reached. */
const IDLE_SECONDS = 600
/** The last value of a source remains current for this long. */
const CARRY_SECONDS = 15

/** A value at a time. */
export interface TrendData {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly value: number
}

interface StoredSeries {
  readonly series: Series
  /** A meter of it exists. */
  isBound: boolean
  lastSecond: number
}

/** All series, in bounded memory. Time is monotonic here; it becomes wall-clock time where people see it. */
export class MetricStore {
  readonly #stored = new Set<StoredSeries>()
  /** By type and source: looking up two existing strings costs less than concatenating them. */
  readonly #bySource = new Map<string, Map<string, StoredSeries>>()
  readonly #startedAt: number
  /** The second in which the values came that were not put away yet. */
  #second = 0
  /** Values whose source was one too many. */
  overflowed = 0

  constructor(
    private readonly types: MetricTypes,
    private readonly clock: Clock,
    private readonly maxSeries: number,
    /** Receives the cell of each second that is stored in a series. */
    private readonly onCell: (series: Series, cell: Cell) => void,
    /** Called for a series that is removed to make room. */
    private readonly onRemoved: (series: Series) => void,
  ) {
    this.#startedAt = clock.now()
  }

  /** Seconds since the store was created. */
  get now(): number {
    return Math.max(this.#second, Math.floor((this.clock.now() - this.#startedAt) / 1_000))
  }

  get size(): number {
    return this.#stored.size
  }

  /**
   * The series of a type and a source; of another source when there are as many as may be.
   *
   * @param isBound - It is held, and stays.
   * @throws UnknownMetricError.
   */
  series(name: string, source: string, isBound = false): Series {
    const known = this.#bySource.get(name)?.get(source)
    if (known !== undefined) {
      if (isBound) known.isBound = true
      return known.series
    }
    const type = this.types.get(name)
    if (source !== OVERFLOW_SOURCE && this.#stored.size >= this.maxSeries && !this.#makeRoom()) {
      this.overflowed += 1
      return this.series(name, OVERFLOW_SOURCE)
    }
    const stored: StoredSeries = { series: new Series(type, source), isBound, lastSecond: this.now }
    this.#stored.add(stored)
    const ofType = this.#bySource.get(name)
    if (ofType === undefined) this.#bySource.set(name, new Map([[source, stored]]))
    else ofType.set(source, stored)
    return stored.series
  }

  /** A type was registered again. */
  retype(type: MetricType): void {
    for (const series of this.all(type.name)) series.type = type
  }

  /** Stores the collected values if their second has ended. */
  tick(): void {
    if (this.now !== this.#second) this.fold()
  }

  /** Puts away what came. */
  fold(): void {
    const second = this.#second
    for (const stored of this.#stored) {
      const cell = stored.series.fold(second)
      if (cell === undefined) continue
      stored.lastSecond = second
      if (stored.isBound) this.onCell(stored.series, cell)
    }
    this.#second = this.now
  }

  all(name?: string): readonly Series[] {
    const stored = name === undefined ? [...this.#stored] : [...(this.#bySource.get(name)?.values() ?? [])]
    return stored.map(({ series }) => series)
  }

  /** Those to which something came in the last seconds. */
  fresh(seconds: number): readonly Series[] {
    this.fold()
    const now = this.now
    return [...this.#stored].flatMap(({ series, lastSecond }) =>
      series.total > 0 && now - lastSecond <= seconds ? [series] : [],
    )
  }

  /** The wall-clock time of a second, as it is now. */
  wallOf(second: number): number {
    return Math.round(this.clock.wall() - (this.clock.now() - this.#startedAt - second * 1_000))
  }

  /** The values of a type since a time, its sources as one. */
  trend(name: string, windowMs: number): TrendData[] {
    const type = this.types.get(name)
    this.fold()
    const now = this.now
    const from = Math.max(0, now - Math.ceil(windowMs / 1_000) + 1)
    const cells = this.all(name).map((series) => series.cells(from, now))
    return combine(cells, type).map(({ second, value }) => ({ timestamp: this.wallOf(second), value }))
  }

  /** Current value of a type, over all sources; `undefined` if there was no value for 15 seconds. */
  current(name: string): number | undefined {
    const type = this.types.get(name)
    this.fold()
    const now = this.now
    const cells = this.all(name).map((series) => series.cells(now - CARRY_SECONDS, now))
    return combine(cells, type).at(-1)?.value
  }

  /** How a type's values of the last five minutes are spread, its sources as one. */
  distribution(name: string): LogHistogram {
    this.types.get(name)
    this.fold()
    const histogram = new LogHistogram()
    for (const series of this.all(name)) series.addTo(this.now, histogram)
    return histogram
  }

  #makeRoom(): boolean {
    const now = this.now
    for (const stored of this.#stored) {
      if (stored.isBound || now - stored.lastSecond < IDLE_SECONDS) continue
      this.#stored.delete(stored)
      this.#bySource.get(stored.series.type.name)?.delete(stored.series.source)
      this.onRemoved(stored.series)
      return true
    }
    return false
  }
}

interface Point {
  readonly second: number
  readonly value: number
}

/** Cells of several sources as one line: at each time at which any source has one. */
function combine(sources: readonly (readonly Cell[])[], { across }: MetricType): Point[] {
  const [only] = sources
  if (only !== undefined && sources.length === 1)
    return only.map((cell) => ({ second: cell.second, value: cellValue(cell, across) }))
  const seconds = [...new Set(sources.flatMap((cells) => cells.map(({ second }) => second)))].sort(
    (a, b) => a - b,
  )
  const next = sources.map(() => 0)
  return seconds.map((second) => {
    const present: Cell[] = []
    for (const [at, cells] of sources.entries()) {
      let place = next[at] as number
      while ((cells[place]?.second ?? Number.POSITIVE_INFINITY) <= second) place += 1
      next[at] = place
      const cell = cells[place - 1]
      if (cell !== undefined && second - cell.second < (across === 'sum' ? CARRY_SECONDS : 1))
        present.push(cell)
    }
    return { second, value: joined(present, across) }
  })
}

function cellValue({ sum, count, max }: Cell, across: MetricType['across']): number {
  return across === 'max' ? max : sum / count
}

function joined(cells: readonly Cell[], across: MetricType['across']): number {
  if (across === 'sum') return cells.reduce((sum, cell) => sum + cell.sum / cell.count, 0)
  if (across === 'max') return Math.max(...cells.map(({ max }) => max))
  const count = cells.reduce((sum, cell) => sum + cell.count, 0)
  return cells.reduce((sum, cell) => sum + cell.sum, 0) / count
}

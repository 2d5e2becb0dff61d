import type { StateVisitor } from './forecaster-state.ts'
import type { LoadHistory } from './load-history.ts'
import type { LogScale, TimeGrid } from './time-grid.ts'

const LEAST_LAG = 3

/**
 * Receives the scores of the lags 1, 2, 3, … and finds the best peak. Scores decrease from lag 1 on, because
 * neighbors are similar: peaks count after the first decrease. A longer lag must be better by 5%, because
 * every multiple of a period is a period.
 */
class PeakFinder {
  lag: number = 0
  score: number = 0
  #at = 0
  #before = 0
  #current = 0
  #fell = 0
  #sum = 0

  /** Mean of the scores so far, without the first and the last one. */
  get mean(): number {
    return this.#sum / Math.max(1, this.#at - 2)
  }

  restart(): void {
    this.lag = 0
    this.score = 0
    this.#at = 0
    this.#fell = 0
    this.#sum = 0
  }

  add(score: number): void {
    this.#at += 1
    if (this.#at >= 3) this.#judge(this.#at - 1, score)
    this.#before = this.#current
    this.#current = score
  }

  #judge(lag: number, next: number): void {
    const current = this.#current
    this.#sum += current
    if (current < this.#before) this.#fell = 1
    if (this.#fell === 0 || lag < LEAST_LAG || current < this.#before || current <= next) return
    if (current <= this.score * 1.05 + (this.score > 0 ? 0.02 : 0)) return
    this.score = current
    this.lag = lag
  }

  visit(state: StateVisitor): void {
    this.lag = state.integer(this.lag, 0)
    this.score = state.number(this.score)
    this.#at = state.integer(this.#at, 0)
    this.#before = state.number(this.#before)
    this.#current = state.number(this.#current)
    this.#fell = state.integer(this.#fell, 0, 1)
    this.#sum = state.number(this.#sum)
  }
}

const SEARCHED_DAYS = 7
/** 25% more than a day. */
const LONGEST_LAG_DAYS = 1.25
const LEAST_CELLS = 24
/** Numbers of cells after which periods are searched during the first day; later, daily. */
const EARLY_SEARCHES: readonly number[] = [24, 36, 60, 100, 144, 216]
const LOGS_PER_UNIT = 1024
const MOST_LOG = 32_767
const MISSING = -32_768
const MATCH: number = Math.round(0.15 * LOGS_PER_UNIT)
const CLIP_DEVIATIONS = 3
const LEAST_CORRELATION = 0.2
const LEAST_MATCHES_OVER_MEAN = 0.1
/**
 * Pairs of cells that are compared while one sample is added. A whole search takes two and a half hours of a
 * series of five-minute steps.
 */
const PAIRS_PER_SAMPLE = 24_000
/** As many pairs take as long as a cell when the search begins. */
const PAIRS_A_FROZEN_CELL = 10

/**
 * Looks for the periods of a series from time to time, a few lags with each sample, so that no sample pays
 * for it all. It does so by autocorrelation, and by how many values are within 15% of the one a lag before:
 * that finds patterns (a job that runs every so often) that correlation misses between bursts.
 */
export class PeriodSearch {
  /** By autocorrelation, in steps; 0 while none is known. */
  period: number = 0
  /** By matches, in steps; 0 while none is known. */
  matchPeriod: number = 0
  /**
   * Logarithms of the means of cells when the search began, about their mean, and within three deviations of
   * it.
   */
  readonly #logs: Int16Array
  #cells = 0
  #lag = 0
  #longestLag = 0
  #missing = 0
  #power = 0
  readonly #correlations: PeakFinder = new PeakFinder()
  readonly #matches: PeakFinder = new PeakFinder()

  constructor(private readonly grid: TimeGrid) {
    this.#logs = new Int16Array(grid.cellsPerDay * SEARCHED_DAYS)
  }

  get #isSearching(): boolean {
    return this.#lag < this.#longestLag
  }

  /**
   * Starts a due search, or continues a running one.
   *
   * @param previous - Cell of the previous sample.
   */
  advance(history: LoadHistory, scale: LogScale, previous: number): void {
    const { cell } = history
    const { cellsPerDay } = this.grid
    const beginsDay = Math.floor(cell / cellsPerDay) > Math.floor(previous / cellsPerDay)
    const isDue = beginsDay || EARLY_SEARCHES.some((mark) => previous < mark && cell >= mark)
    if (isDue) this.#freeze(history, scale)
    this.#goOn(isDue ? PAIRS_PER_SAMPLE - PAIRS_A_FROZEN_CELL * this.#cells : PAIRS_PER_SAMPLE)
  }

  #freeze(history: LoadHistory, scale: LogScale): void {
    const cells = Math.min(history.cell, this.#logs.length)
    const reference = scale.log(history.last)
    let sum = 0
    let squares = 0
    let known = 0
    for (let at = 0; at < cells; at += 1) {
      const mean = history.cellMean(history.cell - cells + at)
      if (Number.isNaN(mean)) {
        this.#logs[at] = MISSING
        continue
      }
      const log = Math.max(
        -MOST_LOG,
        Math.min(MOST_LOG, Math.round((scale.log(mean) - reference) * LOGS_PER_UNIT)),
      )
      this.#logs[at] = log
      sum += log
      squares += log * log
      known += 1
    }
    this.#cells = cells
    this.#missing = cells - known
    this.#lag = 0
    this.#longestLag =
      known < LEAST_CELLS ? 0 : Math.min(cells >> 1, Math.floor(this.grid.cellsPerDay * LONGEST_LAG_DAYS))
    this.#center(
      Math.round(sum / known),
      CLIP_DEVIATIONS * Math.sqrt(Math.max(0, squares - (sum * sum) / known) / cells),
    )
    this.#correlations.restart()
    this.#matches.restart()
  }

  #center(mean: number, bound: number): void {
    const clip = Math.min(MOST_LOG, Math.round(bound))
    this.#power = 0
    for (let at = 0; at < this.#cells; at += 1) {
      const log = this.#logs[at] as number
      if (log === MISSING) continue
      const clipped = Math.max(-clip, Math.min(clip, log - mean))
      this.#logs[at] = clipped
      this.#power += clipped * clipped
    }
  }

  #goOn(mostPairs: number): void {
    if (!this.#isSearching) return
    for (let pairs = 0; pairs < mostPairs && this.#isSearching; pairs += this.#cells) {
      this.#lag += 1
      this.#compare(this.#lag)
    }
    if (!this.#isSearching) this.#conclude()
  }

  #compare(lag: number): void {
    const logs = this.#logs
    const cells = this.#cells
    const isWhole = this.#missing === 0
    let product = 0
    let known = isWhole ? cells - lag : 0
    let matches = 0
    for (let at = lag; at < cells; at += 1) {
      const now = logs[at] as number
      const before = logs[at - lag] as number
      if (!isWhole) {
        if (now === MISSING || before === MISSING) continue
        known += 1
      }
      const difference = now - before
      if (difference < MATCH && difference > -MATCH) matches += 1
      product += now * before
    }
    this.#correlations.add(this.#power > 0 ? (product / this.#power) * (cells / (cells - lag)) : 0)
    this.#matches.add(known > 0 ? matches / known : 0)
  }

  #conclude(): void {
    const { stepsPerCell } = this.grid
    const correlation = this.#correlations.score
    const isCorrelated = correlation > LEAST_CORRELATION && correlation > 2.5 / Math.sqrt(this.#cells)
    this.period = isCorrelated ? this.#correlations.lag * stepsPerCell : 0
    const isMatched = this.#matches.score > this.#matches.mean + LEAST_MATCHES_OVER_MEAN
    this.matchPeriod = isMatched ? this.#matches.lag * stepsPerCell : 0
  }

  visit(state: StateVisitor): void {
    state.array(this.#logs)
    this.period = state.integer(this.period, 0)
    this.matchPeriod = state.integer(this.matchPeriod, 0)
    this.#cells = state.integer(this.#cells, 0, this.#logs.length)
    this.#longestLag = state.integer(this.#longestLag, 0, this.#logs.length)
    this.#lag = state.integer(this.#lag, 0, this.#longestLag)
    this.#missing = state.integer(this.#missing, 0)
    this.#power = state.number(this.#power)
    this.#correlations.visit(state)
    this.#matches.visit(state)
  }
}

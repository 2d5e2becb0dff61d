import { median } from '../../../shared/median.ts'

const SLOTS = 64
const SECOND_MS = 1000
/** After a longer gap, the records are incomplete. */
const MAX_GAP_MS = 10_000
/** Minimum share of a window that must be known. */
const LEAST_KNOWN = 0.5

/**
 * The arrivals of the last minute by seconds, and which seconds are known: what was not measured is not 0.
 */
export class LoadWindow {
  readonly #arrivals = new Float64Array(SLOTS)
  /** How much of each second is known, in milliseconds. */
  readonly #knownMs = new Float64Array(SLOTS)
  #second: number
  #recordedAt: number
  #backlog = 0

  constructor(now: number) {
    this.#second = Math.floor(now / SECOND_MS)
    this.#recordedAt = now
  }

  /**
   * @param arrivals - Since the last record.
   * @param backlog - That waits now.
   * @returns Whether it counts: what came after a gap began somewhere within it, and does not.
   */
  record(now: number, arrivals: number, backlog: number): boolean {
    const spanMs = now - this.#recordedAt
    this.#advance(now)
    const from = this.#recordedAt
    this.#recordedAt = now
    this.#backlog = backlog
    if (spanMs < 0 || spanMs > MAX_GAP_MS) return false
    if (spanMs === 0) {
      this.#add(Math.floor(now / SECOND_MS), arrivals, 0)
      return true
    }
    for (let at = from; at < now; ) {
      const second = Math.floor(at / SECOND_MS)
      const end = Math.min(now, (second + 1) * SECOND_MS)
      this.#add(second, (arrivals * (end - at)) / spanMs, end - at)
      at = end
    }
    return true
  }

  /**
   * Arrivals a second over the last so many seconds, at most 60; `undefined` where less than half of them is
   * known.
   */
  rate(now: number, seconds: number): number | undefined {
    this.#advance(now)
    // A second that has just begun is not worth the oldest one.
    const last = now % SECOND_MS === 0 ? this.#second - 1 : this.#second
    let arrivals = 0
    let knownMs = 0
    for (let second = last; second > last - seconds; second -= 1) {
      arrivals += this.#arrivals[slotOf(second)] ?? 0
      knownMs += this.#knownMs[slotOf(second)] ?? 0
    }
    return knownMs < seconds * SECOND_MS * LEAST_KNOWN ? undefined : (arrivals / knownMs) * SECOND_MS
  }

  /** The latest known backlog. */
  backlog(now: number): number {
    return now - this.#recordedAt > MAX_GAP_MS ? 0 : this.#backlog
  }

  #add(second: number, arrivals: number, ms: number): void {
    const slot = slotOf(second)
    this.#arrivals[slot] = (this.#arrivals[slot] ?? 0) + arrivals
    this.#knownMs[slot] = (this.#knownMs[slot] ?? 0) + ms
  }

  #advance(now: number): void {
    const second = Math.floor(now / SECOND_MS)
    // If the clock was set back, the times of the other slots are unknown.
    const from = second < this.#second ? second - SLOTS : Math.max(this.#second, second - SLOTS)
    for (let one = from + 1; one <= second; one += 1) {
      this.#arrivals[slotOf(one)] = 0
      this.#knownMs[slotOf(one)] = 0
    }
    this.#second = second
  }
}

function slotOf(second: number): number {
  return ((second % SLOTS) + SLOTS) % SLOTS
}

interface Recommendation {
  readonly at: number
  readonly workers: number
}

/** The highest recommendation of the last while. */
export class RecommendationWindow {
  /** Descending; what is both older and lower can no longer be the highest. */
  #recent: Recommendation[] = []

  constructor(private readonly windowMs: number) {}

  add(now: number, workers: number): void {
    const first = this.#recent.findIndex((one) => one.workers <= workers)
    if (first >= 0) this.#recent.length = first
    this.#recent.push({ at: now, workers })
  }

  /** 0 where there is none. */
  highest(now: number): number {
    this.#recent = this.#recent.filter(({ at }) => at <= now && at >= now - this.windowMs)
    return this.#recent[0]?.workers ?? 0
  }
}

const MINUTE_MS = 60_000
const MEDIAN_MINUTES = 60
const RECENT_MINUTES = 5
const DROP = 0.5
const RECOVERY = 0.8
const RECOVERED_MINUTES = 5
const MAX_FREEZE_MS = 30 * MINUTE_MS

/**
 * Detects loads that drop suddenly, as they do if a component in front of the app fails: workers that are
 * removed then are missing when the load returns. A freeze lasts until the load has been back for 5 minutes,
 * and at most 30 minutes.
 */
export class LoadFreeze {
  readonly #minutes: number[] = []
  #since: number | undefined
  #usual = 0
  #recovered = 0

  /** @param leastLoad - Below this, a load may fall as it likes. */
  constructor(private readonly leastLoad: number) {}

  /** @param perSecond - The mean load of the minute that has just ended; `NaN` where it is missing. */
  minute(now: number, perSecond: number): void {
    if (this.isFrozen(now)) this.#watch(perSecond)
    else this.#look(now, perSecond)
    this.#minutes.push(perSecond)
    if (this.#minutes.length > MEDIAN_MINUTES) this.#minutes.shift()
  }

  isFrozen(now: number): boolean {
    if (this.#since !== undefined && (now < this.#since || now - this.#since >= MAX_FREEZE_MS))
      this.#since = undefined
    return this.#since !== undefined
  }

  /** The median load of the hour before it fell. */
  get usual(): number {
    return this.#usual
  }

  #watch(perSecond: number): void {
    if (Number.isNaN(perSecond)) return
    this.#recovered = perSecond >= RECOVERY * this.#usual ? this.#recovered + 1 : 0
    if (this.#recovered >= RECOVERED_MINUTES) this.#since = undefined
  }

  #look(now: number, perSecond: number): void {
    const recent = usualOf(this.#minutes.slice(-RECENT_MINUTES))
    const usual = usualOf(this.#minutes)
    if (recent === undefined || usual === undefined || usual <= this.leastLoad) return
    if (!(perSecond < DROP * recent && perSecond < DROP * usual)) return
    this.#since = now
    this.#usual = usual
    this.#recovered = 0
  }
}

/** `undefined` where fewer than three are known. */
function usualOf(values: readonly number[]): number | undefined {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.length < 3 ? undefined : median(known)
}

const LEAST_KNOWN_MS = 30_000

/** Makes minutes of records: the mean load of each, `NaN` of one that is known by less than half. */
export class MinuteLoads {
  #beganAt: number
  #recordedAt: number
  #arrivals = 0
  #knownMs = 0

  constructor(
    now: number,
    /** Called with each completed minute; once for a longer gap. */
    private readonly onMinute: (now: number, perSecond: number) => void,
  ) {
    this.#beganAt = now
    this.#recordedAt = now
  }

  record(now: number, arrivals: number): void {
    const spanMs = now - this.#recordedAt
    this.#recordedAt = now
    if (spanMs >= 0 && spanMs <= MAX_GAP_MS) {
      this.#arrivals += arrivals
      this.#knownMs += spanMs
    }
    if (now >= this.#beganAt && now - this.#beganAt < MINUTE_MS) return
    const perSecond = this.#knownMs < LEAST_KNOWN_MS ? Number.NaN : (this.#arrivals / this.#knownMs) * 1000
    this.#beganAt = now
    this.#arrivals = 0
    this.#knownMs = 0
    this.onMinute(now, perSecond)
  }
}

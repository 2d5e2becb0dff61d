import { median } from '../../../shared/median.ts'

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

const MAX_GAP_MS = 10_000
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

const MINUTE_MS = 60_000
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
    /** Called with each minute that is over; of a longer gap, once. */
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

const MINUTE_MS = 60_000
const DAY_MS: number = 24 * 60 * MINUTE_MS
const LEAST_CELL_MINUTES = 5

/** How a series is cut: into steps, of which each has one value, and into cells, whose means are kept for days. */
export class TimeGrid {
  readonly stepMinutes: number
  readonly stepsPerCell: number
  readonly cellMinutes: number
  readonly cellsPerDay: number
  readonly stepsPerDay: number

  /** @param stepMs - Must divide a day. */
  constructor(readonly stepMs: number) {
    this.stepMinutes = stepMs / MINUTE_MS
    this.stepsPerDay = DAY_MS / stepMs
    let steps = Math.ceil(LEAST_CELL_MINUTES / this.stepMinutes)
    // Seasons are counted in cells: a day has to be a whole number of them.
    while (this.stepsPerDay % steps !== 0) steps += 1
    this.stepsPerCell = steps
    this.cellMinutes = steps * this.stepMinutes
    this.cellsPerDay = this.stepsPerDay / steps
  }

  /** At least one. */
  stepsOf(minutes: number): number {
    return Math.max(1, Math.round(minutes / this.stepMinutes))
  }

  /** At least one. */
  cellsOf(minutes: number): number {
    return Math.max(1, Math.round(minutes / this.cellMinutes))
  }
}

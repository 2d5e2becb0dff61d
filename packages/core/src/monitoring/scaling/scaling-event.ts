/** Where a number of workers came from. */
export type ScalingSource = 'load' | 'policy' | 'manual'

/** A decision to scale. */
export interface ScalingEvent {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly direction: 'up' | 'down'
  readonly from: number
  readonly to: number
  /** What it was decided by: a metric's name; `load` of the control rule, `manual` of a person. */
  readonly metric: string
  /** That metric's value then; `undefined` where there is none. */
  readonly value: number | undefined
  /** Why, in words for people, with figures. */
  readonly reasons: readonly string[]
  readonly source: ScalingSource
  /** Who asked for it, where a person did. */
  readonly by?: string
  /** Whether there is no target that would carry it out. */
  readonly isDryRun: boolean
}

/** Something that was looked at and not done. */
export interface ScalingSkip {
  /** Of the last time, in milliseconds since 1970. */
  readonly timestamp: number
  readonly source: ScalingSource
  readonly reason: string
  /** How often so far. */
  readonly count: number
}

import type { Measurement } from './advice.ts'
import type { ChosenIndex } from './choose-indexes.ts'
import type { TimeLimits } from './time-limits.ts'

/** Receives the progress of a stage: plans, indexes per statement, measurements. */
export type OnProgress = (done: number, of: number, stage: 'plan' | 'choose' | 'measure') => void

/**
 * Runs the statements that indexes serve with them and without, on a sample. By label; an index that is not
 * in it, or with none, was not measured.
 */
export type IndexCheck = (
  indexes: readonly ChosenIndex[],
  onMeasured: (done: number) => void,
) => Promise<ReadonlyMap<string, readonly Measurement[]>>

/** Minimum slowdown of a statement without an index, for the index to stay. */
const LEAST_GAIN = { factor: 1.5, ms: 0.02, rows: 100 } as const

/** Whether a measurement justifies the index. */
export function isGain({ without, with: present, unit }: Measurement): boolean {
  return without >= present * LEAST_GAIN.factor && without - present >= LEAST_GAIN[unit]
}

export interface ChooseOptions {
  readonly check?: IndexCheck | undefined
  /** Default: none. */
  readonly limits?: TimeLimits | undefined
  readonly onProgress?: OnProgress | undefined
}

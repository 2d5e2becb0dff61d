import { SluiceError } from '../../shared/errors.ts'

/** What brings the number of workers about. */
export interface ScalerTarget {
  /** Workers that run or are starting; those that are to stop do not count. */
  current(): number | Promise<number>
  /**
   * Sees to it that there are so many workers. Called one at a time, and again where it failed; the number is absolute, so that twice is once.
   *
   * @param signal - Aborted when another number is wanted meanwhile, or when it took too long.
   */
  scaleTo(count: number, reason: string, signal: AbortSignal): Promise<void>
  /** What it could not do, where it knows that beforehand. */
  admit?(count: number): Admission
  /** Stops what it began. For who made it: closing a Sluice does not close its target, whose workers may serve on. */
  close?(): Promise<void>
}

/** How many of the workers that are wanted a target can bring about. */
export interface Admission {
  readonly count: number
  /** Why not all of them. */
  readonly reason?: string
}

/** A target did not bring about the workers that were wanted. */
export class ScalingFailedError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('SLUICE_SCALING_FAILED', message, options)
  }
}

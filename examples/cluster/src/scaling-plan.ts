/** The plan of a run of `scaling.ts`. */
export interface ScalingPlan {
  /** The SQLite file that all workers read. */
  readonly file: string
  /** Paths that visitors request, in rotation. */
  readonly paths: readonly string[]
  readonly seconds: number
  /** Requests per second at the start and end, and the maximum. */
  readonly low: number
  readonly high: number
  /** Requests a second that a worker is said to answer. */
  readonly capacity: number
  readonly maxWorkers: number
}

/** Options by the duration: a short run decides sooner, and remembers less. */
export function pacesOf(seconds: number): {
  readonly intervalMs: number
  readonly scaleDownSeconds: number
  readonly startUpSeconds: number
} {
  return {
    intervalMs: Math.min(5_000, Math.max(1_000, seconds * 25)),
    scaleDownSeconds: Math.min(45, Math.round(seconds * 0.225)),
    startUpSeconds: Math.min(10, Math.round(seconds / 10)),
  }
}

/** Requests per second, by the elapsed share of the time: low, up, high, down, low. */
export function rateAt(share: number, { low, high }: Pick<ScalingPlan, 'low' | 'high'>): number {
  const shape = [
    [0, low],
    [0.1, low],
    [0.3, high],
    [0.5, high],
    [0.6, low],
    [1, low],
  ] as const
  const at = shape.findIndex(([from]) => from > share)
  const [from, before] = shape[Math.max(0, at - 1)] ?? [0, low]
  const [to, after] = shape[at] ?? [from, low]
  return to === from ? low : before + ((after - before) * (share - from)) / (to - from)
}

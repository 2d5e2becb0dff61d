import { Periodic } from '../../shared/timers.ts'

export interface RegularInspection {
  /** Whether there is anything to look at yet. */
  readonly isAttached: () => boolean
  readonly inspect: () => Promise<unknown>
  readonly onError: (error: unknown) => void
}

/** Inspects a database at an interval, one inspection at a time. The caller stops it. */
export function inspectRegularly(
  everyMs: number,
  { isAttached, inspect, onError }: RegularInspection,
): Periodic {
  let isBusy = false
  const inspections = new Periodic(everyMs, () => {
    if (isBusy || !isAttached()) return true
    isBusy = true
    inspect()
      .catch(onError)
      .finally(() => {
        isBusy = false
      })
    return true
  })
  inspections.start()
  return inspections
}

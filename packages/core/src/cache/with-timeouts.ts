import { SluiceError } from '../shared/errors.ts'
import { setLongTimeout } from '../shared/timers.ts'
import type { FetchPolicy } from './fetch-request.ts'

/**
 * Loading a value took longer than `hardTimeoutMs`, and there was no older value to return. The load
 * continues, and its value is cached if it succeeds.
 */
export class LoadTimeoutError extends SluiceError {
  constructor(
    readonly key: string,
    timeoutMs: number,
  ) {
    super('SLUICE_LOAD_TIMEOUT', `Loading a value took longer than ${timeoutMs} ms.`)
  }
}

type Limits = Pick<FetchPolicy, 'softTimeoutMs' | 'hardTimeoutMs'>

/**
 * Waits for a load within its timeouts.
 *
 * @param lastResort - Returns the fallback value, if there is one. Must not reject.
 * @throws The error of the load, or LoadTimeoutError, if there is no last resort.
 */
export function withTimeouts<T>(
  load: Promise<T>,
  { softTimeoutMs, hardTimeoutMs }: Limits,
  key: string,
  lastResort: () => Promise<{ readonly value: T } | undefined>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timers: NodeJS.Timeout[] = []
    const settle = (act: () => void): void => {
      for (const timer of timers) clearTimeout(timer)
      act()
    }
    const orElse = async (otherwise: () => void): Promise<void> => {
      const resort = await lastResort()
      if (resort === undefined) otherwise()
      else settle(() => resolve(resort.value))
    }
    if (softTimeoutMs !== undefined) timers.push(setLongTimeout(() => void orElse(() => {}), softTimeoutMs))
    if (hardTimeoutMs !== undefined) {
      timers.push(
        setLongTimeout(
          () => void orElse(() => settle(() => reject(new LoadTimeoutError(key, hardTimeoutMs)))),
          hardTimeoutMs,
        ),
      )
    }
    load.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => void orElse(() => settle(() => reject(error))),
    )
  })
}

import { errorMessage } from '@sluice/core/siblings'

/** One line of `sluice doctor`. */
export interface Check {
  readonly level: 'ok' | 'warn' | 'fail' | 'skip'
  /** The subject of the check and the result. */
  readonly text: string
  /** How to fix it. */
  readonly fix?: string
  /** Cannot connect to the database or the app. */
  readonly isUnreachable?: true
}

export const ok = (text: string): Check => ({ level: 'ok', text })
/** A check that was not possible, which is not a problem of the app. */
export const skip = (text: string): Check => ({ level: 'skip', text })
export const warn = (text: string, fix: string): Check => ({ level: 'warn', text, fix })
export const fail = (text: string, fix: string): Check => ({ level: 'fail', text, fix })

/** Runs checks. If they throw, returns a warning, so that the other checks still run. */
export async function attempt(
  what: string,
  check: () => Promise<readonly Check[]> | readonly Check[],
): Promise<readonly Check[]> {
  try {
    return await check()
  } catch (error) {
    const message = errorMessage(error)
    return [warn(`${what} could not be checked`, message.split('\n', 1)[0] ?? '')]
  }
}

import { errorMessage } from '@sluice/core/siblings'

/** One line of `sluice doctor`. */
export interface Check {
  readonly level: 'ok' | 'warn' | 'fail' | 'skip'
  /** What was looked at, and what was seen. */
  readonly text: string
  /** What to do about it. */
  readonly fix?: string
  /** The database does not answer. */
  readonly isUnreachable?: true
}

export const ok = (text: string): Check => ({ level: 'ok', text })
/** What could not be looked at, without anything being wrong. */
export const skip = (text: string): Check => ({ level: 'skip', text })
export const warn = (text: string, fix: string): Check => ({ level: 'warn', text, fix })
export const fail = (text: string, fix: string): Check => ({ level: 'fail', text, fix })

/** Checks that cannot be made are a line as well, and hinder no others. */
export async function attempt(what: string, check: () => Promise<readonly Check[]> | readonly Check[]): Promise<readonly Check[]> {
  try {
    return await check()
  } catch (error) {
    const message = errorMessage(error)
    return [warn(`${what} could not be checked`, message.split('\n', 1)[0] ?? '')]
  }
}

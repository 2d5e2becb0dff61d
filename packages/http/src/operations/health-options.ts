import type { IncomingMessage } from 'node:http'
import { checkOptions, InvalidOptionError, option } from '@sluice/core'

/** Fails by throwing, by rejecting, or with `false`. */
export type HealthCheck = () => unknown

export interface HealthOptions {
  /**
   * What the app needs besides, by name: a function that throws, rejects or gives `false` where it fails.
   * @defaultValue none
   */
  readonly checks?: Readonly<Record<string, HealthCheck>>
  /**
   * Whether the databases of attached clients are asked `SELECT 1`.
   * @defaultValue true
   */
  readonly database?: boolean
  /**
   * Milliseconds that one check may take. Greater than `0`.
   * @defaultValue 1000
   */
  readonly timeoutMs?: number
  /**
   * Milliseconds for which the result of the checks is given again, however often it is asked for. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly cacheMs?: number
  /**
   * Who is told of each check, and not the status alone.
   * @defaultValue who asks from this machine itself
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>
}

/** @throws InvalidOptionError. */
export function checkHealthOptions(options: HealthOptions): void {
  const { boolean, callback, number, object, positive } = option
  checkOptions(options, { checks: object, database: boolean, timeoutMs: positive, cacheMs: number(0), authorize: callback })
  for (const [name, check] of Object.entries(options.checks ?? {})) {
    if (typeof check !== 'function') throw new InvalidOptionError(`checks.${name}`, 'a function', check)
  }
}

import { ServiceUnavailableError } from './service.ts'

/**
 * Ends a script with one line if this machine does not have what it needs.
 *
 * @throws any other error.
 */
export function endWithout(error: unknown): void {
  if (!(error instanceof ServiceUnavailableError)) throw error
  console.error(`This cannot run here. ${error.message}`)
  process.exitCode = 1
}

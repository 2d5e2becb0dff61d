import { ServiceUnavailableError } from '../services/service.ts'

/** Ends a benchmark with one line if this machine does not have what it needs. @throws any other error. */
export function endWithout(error: unknown): void {
  if (!(error instanceof ServiceUnavailableError)) throw error
  console.error(`This benchmark cannot run here. ${error.message}`)
  process.exitCode = 1
}

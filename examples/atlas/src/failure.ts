import { NoRedisError } from './private-redis.ts'
import { NoConnectionToRedisError } from './two-processes.ts'

const FAILED = 1
const CANNOT_CONNECT = 3

/** Prints the error and returns the exit code. Unexpected errors are printed with their stack. */
export function reportFailure(error: unknown): number {
  if (error instanceof NoRedisError || error instanceof NoConnectionToRedisError) {
    process.stderr.write(`${error.message}\n`)
    return CANNOT_CONNECT
  }
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    process.stderr.write('No connection to the database of DATABASE_URL.\n')
    return CANNOT_CONNECT
  }
  if (code === 'EADDRINUSE') process.stderr.write('The port is in use. Set PORT to a different free port.\n')
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILED
}

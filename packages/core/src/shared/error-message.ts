import { redact } from './redact.ts'

/**
 * The message of an external error, such as a driver's, without passwords. If it is empty: that of the first
 * aggregated error, or the error's code or name.
 */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error))
  if (error.message !== '') return redact(error.message)
  // A host name with several addresses has one error for each.
  if (error instanceof AggregateError && error.errors.length > 0) return errorMessage(error.errors[0])
  return String((error as NodeJS.ErrnoException).code ?? error.name)
}

const MAX_CAUSES = 5

/**
 * An error for a log: with its type, message, stack, causes and plain fields, without passwords. Other fields
 * are omitted, such as the command of a Redis client, which contains the password for `AUTH`.
 */
export function errorForLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? redact(error) : error
  // Keeps the type without calling its constructor, whose parameters are unknown.
  const shown = Object.setPrototypeOf(new Error(redact(error.message)), Object.getPrototypeOf(error)) as Error
  const set = (name: string, value: unknown, enumerable: boolean) =>
    Object.defineProperty(shown, name, { value, enumerable, writable: true, configurable: true })
  for (const [name, value] of Object.entries(error))
    if (isPlain(value)) set(name, typeof value === 'string' ? redact(value) : value, true)
  set('stack', redact(error.stack ?? ''), false)
  if (depth >= MAX_CAUSES) return shown
  if (error.cause !== undefined) set('cause', errorForLog(error.cause, depth + 1), false)
  if (error instanceof AggregateError) set('errors', error.errors.map((one) => errorForLog(one, depth + 1)), false) // biome-ignore format: one field
  return shown
}

function isPlain(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function')
}

import { JobBackendError } from '../../job-errors.ts'

/** Somebody else holds a lock, or the app goes through rows of the same connection: it is free after a while. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)) || (error instanceof TypeError && error.message.includes('connection is busy'))
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_NOTADB/, 'is not an SQLite database'],
  [/^SQLITE_CORRUPT/, 'is damaged'],
  [/^SQLITE_FULL/, 'cannot grow: the disk is full'],
  [/^SQLITE_READONLY/, 'cannot be written to'],
  [/^SQLITE_(CANTOPEN|PERM|AUTH)/, 'cannot be opened'],
  [/^SQLITE_(BUSY|LOCKED)/, 'is locked by others'],
  [/^SQLITE_IOERR/, 'cannot be read or written: the file system reports an error'],
]

/** What SQLite says, in the words of a job backend. */
export function backendError(file: string, error: unknown): JobBackendError {
  if (error instanceof JobBackendError) return error
  const code = codeOf(error)
  const reason = REASONS.find(([pattern]) => pattern.test(code))?.[1]
  const message = error instanceof Error ? error.message : String(error)
  const text = reason === undefined ? `does not work: ${message}` : `${reason} (${code}: ${message})`
  return new JobBackendError(`The file of tasks "${file}" ${text}`.replace(/\.*$/, '.'), { cause: error })
}

function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null | undefined)?.code ?? '')
}

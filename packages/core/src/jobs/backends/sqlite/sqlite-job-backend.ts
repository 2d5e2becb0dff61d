import { InvalidArgumentError, InvalidOptionError } from '../../../shared/errors.ts'
import { checkOptions, option } from '../../../shared/options.ts'
import type { JobBackend } from '../job-backend.ts'
import { SqliteBackend } from './sqlite-backend.ts'
import type { SqliteDatabase } from './sqlite-database.ts'

export interface SqliteJobOptions {
  /**
   * What a commit waits for. `NORMAL`: nothing that is accepted is lost when a process dies; when the machine loses power, the last commits may be. `FULL`: nor are those,
   * as each waits for the disk. Of a file; a database that is given keeps its own setting.
   * @defaultValue 'NORMAL'
   */
  readonly synchronous?: 'NORMAL' | 'FULL'
  /**
   * Milliseconds that a call waits while others write, before it fails. The process goes on meanwhile. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly lockTimeoutMs?: number
}

/**
 * Keeps tasks in an SQLite file, through `better-sqlite3`, which the app installs: an embedded app loses nothing when its process is killed. Several processes of one
 * machine may work on the same file. It must be on a local disk: the locks of SQLite do not hold on network file systems.
 *
 * @param file - A path, opened in WAL mode and made if there is none; or a database of `better-sqlite3` that the app has open: it keeps its settings, should be in WAL mode, and is
 *   not closed. Its tables are those that begin with `sluice_`.
 * @throws InvalidArgumentError; InvalidOptionError. The first call that uses the file throws a JobBackendError if something is wrong with it, and a MissingPackageError without `better-sqlite3`.
 *
 * @example
 * ```ts
 * import { AsyncBatchProcessingEngine } from '@sluice/core'
 * import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
 *
 * const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend('data/jobs.db') })
 * ```
 */
export function sqliteJobBackend(file: string | SqliteDatabase, options: SqliteJobOptions = {}): JobBackend {
  checkOptions(options, { synchronous: option.oneOf('NORMAL', 'FULL'), lockTimeoutMs: option.number(0) })
  if (typeof file === 'string') {
    if (file === '' || file.startsWith(':memory:'))
      throw new InvalidArgumentError('file', 'the path of a file (memoryJobBackend() keeps tasks in memory)', file)
  } else {
    if (typeof (file as SqliteDatabase | null | undefined)?.prepare !== 'function')
      throw new InvalidArgumentError('file', 'a path, or a database of better-sqlite3', file)
    if (file.memory) throw new InvalidArgumentError('file', 'a database in a file (memoryJobBackend() keeps tasks in memory)', file.name)
    if (options.synchronous !== undefined)
      throw new InvalidOptionError('synchronous', 'nothing beside a database that is open, which has its own', options.synchronous)
  }
  return new SqliteBackend(file, { synchronous: options.synchronous ?? 'NORMAL', lockTimeoutMs: options.lockTimeoutMs ?? 5_000 })
}

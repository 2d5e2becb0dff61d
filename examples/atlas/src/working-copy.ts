import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseTarget } from './database-target.ts'
import { restoreMysql } from './load-mysql.ts'
import { restorePostgresql } from './load-postgresql.ts'
import { LOADED_REVIEWS } from './people.ts'

/** A database in the state in which the loader left it. */
export interface WorkingCopy {
  readonly target: DatabaseTarget
  remove(): void
}

/** Copies the SQLite file; a database on a server, which stays where it is, loses what earlier runs wrote. */
export async function createWorkingCopy(loaded: DatabaseTarget): Promise<WorkingCopy> {
  if (loaded.kind !== 'sqlite') {
    await (loaded.kind === 'postgresql' ? restorePostgresql : restoreMysql)(loaded.url, LOADED_REVIEWS)
    return { target: loaded, remove() {} }
  }
  const directory = mkdtempSync(join(tmpdir(), 'atlas-'))
  const file = join(directory, 'atlas.db')
  copyFileSync(loaded.file, file)
  return {
    target: { kind: 'sqlite', file },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

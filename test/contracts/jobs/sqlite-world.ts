import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JobBackend } from '@sluice/core/jobs'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import type { CrashWorld } from './crash-world.ts'

/** For processes that are killed. */
export function connect(file: string): JobBackend {
  return sqliteJobBackend(file)
}

/** A file in a separate folder. */
export async function sqliteWorld(): Promise<CrashWorld & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-jobs-'))
  const file = join(folder, 'jobs.db')
  return {
    file,
    connect: () => connect(file),
    child: { module: import.meta.url, args: [file] },
    stop: () => rm(folder, { recursive: true, force: true }),
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made = new Set<string>()

/** A new folder, which does not outlive the process: see `removeTemporaryFolders`. */
export function makeTemporaryFolder(prefix: string): string {
  // At once, so that there is no moment at which it is there and not known.
  const folder = mkdtempSync(join(tmpdir(), prefix))
  made.add(folder)
  return folder
}

export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  made.delete(folder)
}

/** Removes what is left of all of them: for the end of the process, where nothing can be waited for. */
export function removeTemporaryFolders(): void {
  for (const folder of made) {
    try {
      removeTemporaryFolder(folder)
    } catch {
      // The others are to be removed nevertheless.
    }
  }
}

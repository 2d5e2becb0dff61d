import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const created = new Set<string>()

/** Creates a folder that is removed when the process exits: see `removeTemporaryFolders`. */
export function makeTemporaryFolder(prefix: string): string {
  // Synchronous, so that the folder never exists without being registered.
  const folder = mkdtempSync(join(tmpdir(), prefix))
  created.add(folder)
  return folder
}

export function removeTemporaryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  created.delete(folder)
}

/** Removes all temporary folders. Synchronous, for the exit of the process. */
export function removeTemporaryFolders(): void {
  for (const folder of created) {
    try {
      removeTemporaryFolder(folder)
    } catch {
      // Continue with the other folders.
    }
  }
}

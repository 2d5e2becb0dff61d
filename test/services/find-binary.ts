import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first executable of that name on `PATH`, then in the other folders. */
export function findBinary(name: string, otherFolders: readonly string[] = []): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...onPath, ...otherFolders].map((folder) => join(folder, name)).find(isExecutable)
}

/** The folders `parent/<version>/child` that exist, the highest version first. */
export function versionedFolders(parent: string, child: string): string[] {
  try {
    const versions = readdirSync(parent).sort((left, right) =>
      right.localeCompare(left, 'en', { numeric: true }),
    )
    return versions.map((version) => join(parent, version, child))
  } catch {
    return []
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

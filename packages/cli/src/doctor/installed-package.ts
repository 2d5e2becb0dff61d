import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface InstalledPackage {
  readonly name: string
  readonly version: string
  /** Without links. */
  readonly folder: string
}

/** A package as Node finds it from a folder, by its files alone: nothing of it is run. */
export async function installedPackage(name: string, from: string): Promise<InstalledPackage | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = await packageIn(join(folder, 'node_modules', name), name)
    if (found !== undefined || dirname(folder) === folder) return found
  }
}

async function packageIn(path: string, name: string): Promise<InstalledPackage | undefined> {
  try {
    const folder = await realpath(path)
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { readonly version?: unknown }
    return { name, version: String(version), folder }
  } catch {
    return undefined
  }
}

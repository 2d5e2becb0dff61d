import { readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface InstalledPackage {
  readonly name: string
  readonly version: string
  /** Real path, without links. */
  readonly folder: string
}

/** Finds a package from a folder as Node does. Only reads its files. */
export async function installedPackage(name: string, from: string): Promise<InstalledPackage | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = await packageIn(join(folder, 'node_modules', name), name)
    if (found !== undefined || dirname(folder) === folder) return found
  }
}

async function packageIn(path: string, name: string): Promise<InstalledPackage | undefined> {
  try {
    const folder = await realpath(path)
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      readonly version?: unknown
    }
    return { name, version: String(version), folder }
  } catch {
    return undefined
  }
}

type Parts = readonly [number, number, number]

/** `7.10.0-dev.1` returns `[7, 10, 0]`. */
export function versionParts(version: string): Parts {
  const [major = 0, minor = 0, patch = 0] = (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)
  return [major, minor, patch]
}

/** @param range - Ranges such as `>=1.2`, `^1.2.3` and `~1.2.3`, joined with `||`. */
export function isInRange(version: string, range: string): boolean {
  const parts = versionParts(version)
  return range.split('||').some((part) => {
    const least = versionParts(part)
    if (isBelow(parts, least)) return false
    if (part.includes('~')) return parts[0] === least[0] && parts[1] === least[1]
    return !part.includes('^') || parts[0] === least[0]
  })
}

export function isBelow(left: Parts, right: Parts): boolean {
  const at = left.findIndex((part, index) => part !== right[index])
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0)
}

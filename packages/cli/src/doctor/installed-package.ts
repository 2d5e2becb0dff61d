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

/**
 * @param range - Ranges such as `>=1.2`, `>=1.2 <2.0.0`, `^1.2.3`, `~1.2.3` and `>=2.0.0-rc.3`, joined with
 *   `||`.
 */
export function isInRange(version: string, range: string): boolean {
  return range.split('||').some((part) =>
    part
      .trim()
      .split(/\s+/)
      .every((bound) => isInBound(version, bound)),
  )
}

function isInBound(version: string, bound: string): boolean {
  const [parts, limit] = [versionParts(version), versionParts(bound)]
  const isSame = parts.join() === limit.join()
  if (bound.startsWith('<'))
    return isBelow(parts, limit) || (isSame && candidateOf(version) < candidateOf(bound))
  if (isBelow(parts, limit)) return false
  if (isSame && candidateOf(bound) < RELEASE && candidateOf(version) < candidateOf(bound)) return false
  if (bound.startsWith('~')) return parts[0] === limit[0] && parts[1] === limit[1]
  return !bound.startsWith('^') || parts[0] === limit[0]
}

const RELEASE = Number.POSITIVE_INFINITY

/**
 * The number of a release candidate: `8.0.0-rc.13` returns 13. `8.0.0-rc.9-dev.1` comes after all of them.
 */
function candidateOf(version: string): number {
  const candidate = /-rc\.(\d+)$/.exec(version)?.[1]
  return candidate === undefined ? RELEASE : Number(candidate)
}

export function isBelow(left: Parts, right: Parts): boolean {
  const at = left.findIndex((part, index) => part !== right[index])
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0)
}

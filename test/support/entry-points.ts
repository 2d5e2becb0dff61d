import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly '@sluice/source'?: string }>>
}

/**
 * Imports the entry points that the manifest of a package names, from source.
 *
 * @param except - Entry points that run a program when they are imported.
 * @returns The names of the values that each of them exports, in alphabetical order.
 */
export async function exportedValues(
  folder: string,
  except: readonly string[] = [],
): Promise<Record<string, readonly string[]>> {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const values: Record<string, readonly string[]> = {}
  for (const [path, conditions] of Object.entries(exports)) {
    const source = typeof conditions === 'string' ? undefined : conditions['@sluice/source']
    if (source === undefined || except.includes(path)) continue
    values[path] = Object.keys((await import(join(folder, source))) as object).sort()
  }
  return values
}

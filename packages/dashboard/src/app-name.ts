import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The name in the package.json of the working directory. */
export function appName(folder: string = process.cwd()): string {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly name?: unknown }
    return typeof name === 'string' && name !== '' ? name : 'app'
  } catch {
    return 'app'
  }
}

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

const NAMES = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'json'].map((end) => `sluice.config.${end}`)

/**
 * The path of the config file: that of `SLUICE_CONFIG`, even if it does not exist, or a file
 * `sluice.config.*` next to the nearest `package.json` of the working directory. `undefined` if there is
 * none.
 */
export function configFile({ SLUICE_CONFIG: path }: Environment): string | undefined {
  if (path !== undefined && path !== '') return resolve(path)
  const folder = packageFolder(process.cwd())
  return NAMES.map((name) => join(folder, name)).find((file) => existsSync(file))
}

function packageFolder(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) return start
  }
}

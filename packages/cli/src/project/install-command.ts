import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface PackageManager {
  readonly add: string
  readonly dev: string
  /** Yarn 1 has none. */
  readonly dedupe?: string
}

const NPM: PackageManager = { add: 'npm install', dev: '--save-dev', dedupe: 'npm dedupe' }
const BUN: PackageManager = { add: 'bun add', dev: '--dev' }

const BY_LOCKFILE: Readonly<Record<string, PackageManager>> = {
  'package-lock.json': NPM,
  'pnpm-lock.yaml': { add: 'pnpm add', dev: '--save-dev', dedupe: 'pnpm dedupe' },
  'yarn.lock': { add: 'yarn add', dev: '--dev' },
  'bun.lock': BUN,
  'bun.lockb': BUN,
}

/**
 * The command that installs packages in a project, for the package manager of the nearest lockfile.
 *
 * @param packages - As on a command line.
 * @param options - `cwd` is a folder of the project. Default: the working directory.
 */
export function installCommand(
  packages: string,
  { cwd = process.cwd(), isDev = false }: { readonly cwd?: string; readonly isDev?: boolean } = {},
): string {
  const { add, dev } = managerOf(cwd)
  return [add, ...(isDev ? [dev] : []), packages].join(' ')
}

/** The command that removes duplicate packages, if the package manager has one. */
export function dedupeCommand(cwd: string): string | undefined {
  return managerOf(cwd).dedupe
}

function managerOf(cwd: string): PackageManager {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = Object.keys(BY_LOCKFILE).find((name) => existsSync(join(folder, name)))
    if (found !== undefined) return BY_LOCKFILE[found] ?? NPM
    if (dirname(folder) === folder) return NPM
  }
}

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MissingPackageError } from '@sluice/core'
import { loadPackage } from '@sluice/core/siblings'
import { InputError } from '../command.ts'
import { installCommand } from '../project/install-command.ts'

/**
 * Loads a driver of the project. If the command line cannot import it, such as from the cache of `npx`, it is
 * loaded from the project's folder.
 *
 * @param specifier - The module that `load` imports.
 * @throws InputError if it is not installed; any error that it throws while it loads.
 */
export async function loadDriver<T>(
  specifier: string,
  load: () => Promise<T>,
  project: string = process.cwd(),
): Promise<T> {
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  try {
    return await loadPackage('this', name, load)
  } catch (error) {
    if (!(error instanceof MissingPackageError)) throw error
    const path = pathOf(specifier, manifestIn(project))
    if (path === undefined)
      throw new InputError(
        `package "${name}" is not installed. Install it: ${installCommand(name, { cwd: project, isDev: true })}`,
      )
    return (await import(pathToFileURL(path).href)) as T
  }
}

/** Whether `loadDriver` finds it. */
export function isInstalled(specifier: string, project: string = process.cwd()): boolean {
  return [import.meta.url, manifestIn(project)].some((from) => pathOf(specifier, from) !== undefined)
}

function manifestIn(folder: string): string {
  return join(folder, 'package.json')
}

function pathOf(specifier: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(specifier)
  } catch {
    return undefined
  }
}

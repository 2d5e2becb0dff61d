import { MissingPackageError } from '@sluice/core'
import { loadPackage } from '@sluice/core/siblings'
import { UsageError } from '../command.ts'

/**
 * Loads a driver that the project has.
 *
 * @throws UsageError when it is not installed; what it throws itself.
 */
export async function loadDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await loadPackage('this', name, load)
  } catch (error) {
    if (error instanceof MissingPackageError) throw new UsageError(`this needs the package "${name}": npm install --save-dev ${name}`)
    throw error
  }
}

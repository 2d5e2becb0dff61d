import { MissingPackageError } from '@sluice/core'
import { loadPackage } from '@sluice/core/siblings'
import { UsageError } from '../command.ts'

/**
 * Loads a driver of the project.
 *
 * @throws UsageError if it is not installed; any error that it throws while it loads.
 */
export async function loadDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await loadPackage('this', name, load)
  } catch (error) {
    if (error instanceof MissingPackageError)
      throw new UsageError(`package "${name}" is not installed. Install it: npm install --save-dev ${name}`)
    throw error
  }
}

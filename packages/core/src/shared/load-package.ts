import { MissingPackageError } from './errors.ts'
import { factsOf } from './thrown.ts'

/**
 * Imports an optional package.
 *
 * @param needing - The feature that requires it, for the message.
 * @throws MissingPackageError if it is not installed; errors of the package itself.
 */
export async function loadPackage<T>(needing: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = factsOf(error)
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    if (!isMissing || !message.includes(`'${name}'`)) throw error
    throw new MissingPackageError(needing, name, { cause: error })
  }
}

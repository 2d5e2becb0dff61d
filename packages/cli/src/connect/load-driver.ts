import { UsageError } from '../usage-error.ts'

/**
 * Loads a driver that the project has.
 *
 * @throws UsageError, when it is not installed; what else goes wrong in it is thrown as it is.
 */
export async function loadDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message = '' } = error as { readonly code?: string; readonly message?: string }
    if ((code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(`'${name}'`))
      throw new UsageError(`this needs the package "${name}": npm install --save-dev ${name}`)
    throw error
  }
}

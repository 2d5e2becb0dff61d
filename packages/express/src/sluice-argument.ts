import { InvalidOptionError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { isInstance, UnknownOptionError } from '@sluice/core/siblings'

/**
 * Converts the first argument of a middleware to a Sluice.
 *
 * @throws InvalidOptionError.
 */
export function sluiceArgument(input: Sluice | SluiceOptions | undefined, middleware: string): Sluice {
  try {
    return sluiceFrom(input)
  } catch (error) {
    if (!isInstance(error, UnknownOptionError)) throw error
    const message = `${error.message} The first argument of ${middleware}() is a Sluice or its options. Pass the options of ${middleware}() as the second argument.`
    throw new InvalidOptionError(error.option, 'a known option', undefined, message)
  }
}

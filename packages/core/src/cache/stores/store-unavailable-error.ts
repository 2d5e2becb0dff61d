import { SluiceError } from '../../shared/errors.ts'

/**
 * A shared cache store could not be reached, or did not answer within its time limit. What was asked of it may or may not have been
 * carried out.
 */
export class StoreUnavailableError extends SluiceError {
  constructor(
    /** Which store, for example `Redis`. */
    readonly store: string,
    /** What is the matter, for a person. */
    reason: string,
    cause?: unknown,
  ) {
    super('SLUICE_STORE_UNAVAILABLE', `${store} cannot be used: ${reason}`, { cause })
  }
}

import { SluiceError } from '../../shared/errors.ts'

/**
 * A write was not sent, because other processes could not be told of it beforehand: the shared store does not answer, and
 * `cache.onInvalidationFailure` is `reject-write`. The cause is the store's own error.
 */
export class WriteRejectedError extends SluiceError {
  constructor(cause: unknown) {
    super('SLUICE_WRITE_REJECTED', 'The write was not sent: the shared cache store could not be told of it.', { cause })
  }
}

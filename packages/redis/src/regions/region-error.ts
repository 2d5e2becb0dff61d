import { isInstance } from '@sluice/core/siblings'
import { StoreUnavailableError } from '@sluice/core/stores'

/** The error of a call to the Redis of another region, with the name of the region. */
export function regionError(region: string, error: unknown): unknown {
  return isInstance(error, StoreUnavailableError)
    ? new StoreUnavailableError(`Redis of the region "${region}"`, error.reason, error)
    : error
}

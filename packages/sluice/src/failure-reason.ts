import { errorMessage } from '@sluice/core/siblings'

/** Returns why attaching failed, without passwords. */
export function failureReason(error: unknown): string {
  return errorMessage(error)
}

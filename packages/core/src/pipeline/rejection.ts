import { isInstance } from '../shared/thrown.ts'

/**
 * Carries the reason of a rejected query through code that recognizes a rejection only if it is an `Error` of
 * this realm.
 */
class Rejection extends Error {
  constructor(readonly reason: unknown) {
    super('A query was rejected.')
  }
}

export function asError(reason: unknown): Error {
  return isInstance(reason, Error) ? reason : new Rejection(reason)
}

/** The reason why the query was rejected. */
export function reasonOf(error: unknown): unknown {
  return isInstance(error, Rejection) ? error.reason : error
}

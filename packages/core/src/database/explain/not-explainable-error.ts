import { SluiceError } from '../../shared/errors.ts'

/** A statement was to be explained, and cannot be without the danger that something of it is carried out; or the database has no way to. */
export class NotExplainableError extends SluiceError {
  /** @param reason - A sentence's end: `it may write`. */
  constructor(readonly reason: string) {
    super('SLUICE_NOT_EXPLAINABLE', `The statement was not explained: ${reason}.`)
  }
}

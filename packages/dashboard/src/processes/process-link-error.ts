import { SluiceError } from '@sluice/core'

/** Processes of an app cannot be joined; the message says why. */
export class ProcessLinkError extends SluiceError {
  constructor(message: string) {
    super('SLUICE_PROCESS_LINK', message)
  }
}

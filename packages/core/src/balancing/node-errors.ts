import { SluiceError } from '../shared/errors.ts'

/** A node was to be registered that is there already. */
export class DuplicateNodeError extends SluiceError {
  constructor(readonly nodeId: string) {
    super('SLUICE_DUPLICATE_NODE', `The node ${nodeId} is registered already.`)
  }
}

/** A node was named that is not registered. */
export class UnknownNodeError extends SluiceError {
  constructor(
    readonly nodeId: string,
    known: readonly string[],
  ) {
    const shown = known.length === 0 ? 'there is none' : `there are ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`
    super('SLUICE_UNKNOWN_NODE', `No node "${nodeId}" is registered: ${shown}.`)
  }
}

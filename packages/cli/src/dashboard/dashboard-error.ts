import { ConnectError } from '../connect/own-connection.ts'

/** The dashboard does not answer, or answers something else than was asked for. */
export class DashboardError extends ConnectError {
  /**
   * @param address - Without a key.
   * @param isFinal - Whether asking again is of no use.
   */
  constructor(
    address: string,
    cause: unknown,
    readonly isFinal: boolean,
  ) {
    super(address, cause)
    this.name = 'DashboardError'
  }
}

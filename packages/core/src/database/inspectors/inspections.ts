import type { Connection } from '../../schema/connection.ts'
import { SluiceError } from '../../shared/errors.ts'
import { Periodic } from '../../shared/timers.ts'
import type { DatabaseSnapshot } from './database-snapshot.ts'

/** Inspects the database of an engine, and stores the last snapshot and its connection. */
export class Inspections {
  snapshot: DatabaseSnapshot | undefined
  #connection: Connection | undefined
  #timer: Periodic | undefined

  /** @param attached - Returns the connection of an attached client. */
  constructor(private readonly attached: () => Connection | undefined) {}

  /** @throws SluiceError `SLUICE_NO_CLIENT` if there is none. */
  connection(passed?: Connection): Connection {
    const connection = passed ?? this.#connection ?? this.attached()
    if (connection !== undefined) return connection
    throw new SluiceError(
      'SLUICE_NO_CLIENT',
      'There is no connection. Pass one to `inspect`, or attach a client to this Sluice first.',
    )
  }

  async inspect(passed?: Connection): Promise<DatabaseSnapshot> {
    const connection = this.connection(passed)
    const { inspectDatabase } = await import('./inspect-database.ts')
    const snapshot = await inspectDatabase(connection)
    this.#connection = connection
    this.snapshot = snapshot
    return snapshot
  }

  /** Inspects at an interval, one inspection at a time, as soon as there is a connection. */
  startEvery(everyMs: number, onError: (error: unknown) => void): void {
    let isBusy = false
    this.#timer = new Periodic(everyMs, () => {
      if (isBusy || (this.#connection ?? this.attached()) === undefined) return true
      isBusy = true
      this.inspect()
        .catch(onError)
        .finally(() => {
          isBusy = false
        })
      return true
    })
    this.#timer.start()
  }

  stop(): void {
    this.#timer?.stop()
  }
}

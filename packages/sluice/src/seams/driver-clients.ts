import type { Sluice } from '@sluice/core'
import { attached } from '../attached-clients.ts'
import { attachesTo, registeredSluice } from '../registered-sluice.ts'
import { unseen } from '../unseen-clients.ts'
import { isCovered, type Orm, ormNow } from './callers.ts'

/** After so many calls without an ORM, the app uses the driver itself. */
const MAX_UNKNOWN = 50

/** How a driver's client is attached, and released when an ORM is recognized above it. */
export interface DriverAttachment<TStandIn> {
  readonly standIn: TStandIn
  release(): void
}

/**
 * One client of a driver, such as a pool. The ORM above it decides how it is described. The first calls are
 * often not the ORM's: frameworks test their pools.
 */
export class DriverClient<TStandIn> {
  #attachment: DriverAttachment<TStandIn> | undefined
  #orm: Orm | undefined
  #unknown = 0

  constructor(
    /** The name of the client for the user. */
    private readonly name: string,
    private readonly attach: (sluice: Sluice, orm: Orm | undefined) => DriverAttachment<TStandIn>,
  ) {}

  /** The stand-in for the call that is made now; `undefined`: an adapter above sees the app's statements. */
  standInNow(): TStandIn | undefined {
    if (this.#orm === undefined && this.#unknown < MAX_UNKNOWN) {
      this.#unknown += 1
      const orm = ormNow()
      if (isCovered(orm)) return undefined
      if (!attachesTo(...this.#names(orm))) {
        unseen(this.name)
        return undefined
      }
      if (orm !== undefined || this.#attachment === undefined) this.#attachFor(orm)
    }
    return this.#attachment?.standIn
  }

  /** The stand-in, if the client is attached for an ORM. */
  standInFor(orm: Orm): TStandIn | undefined {
    return this.#orm === orm ? this.#attachment?.standIn : undefined
  }

  get attachment(): DriverAttachment<TStandIn> | undefined {
    return this.#attachment
  }

  /** `pg.Pool` is a client of `pg`. */
  #names(orm: Orm | undefined): readonly string[] {
    const [driver = ''] = this.name.split('.')
    return orm === undefined ? [driver] : [driver, orm]
  }

  #attachFor(orm: Orm | undefined): void {
    const sluice = registeredSluice()
    const attachment = this.attach(sluice, orm)
    this.#attachment?.release()
    this.#attachment = attachment
    this.#orm = orm
    attached(orm === undefined ? this.name : `${this.name} (${orm})`, sluice)
  }
}

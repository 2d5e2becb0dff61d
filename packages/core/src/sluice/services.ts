import { QueryStats } from '../pipeline/query-stats.ts'
import { ScopeStorage } from '../pipeline/scope.ts'
import { RowLoaders } from '../query/eager/row-loaders.ts'
import { CatalogRegistry } from '../schema/catalog-registry.ts'
import { ConnectionRegistry } from '../schema/connection.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { errorMessage } from '../shared/error-message.ts'
import type { RandomSource } from '../shared/random.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import { type SluiceEvents, sluiceEvents } from './events.ts'
import { SluiceLog } from './log.ts'
import type { SluiceOptions } from './options.ts'

/** The state that all parts of one Sluice share. */
export class Services {
  readonly clock: Clock
  readonly random: RandomSource
  readonly log: SluiceLog
  readonly events: Emitter<SluiceEvents>
  readonly stats: QueryStats
  readonly scopes: ScopeStorage = new ScopeStorage()
  readonly catalogs: CatalogRegistry = new CatalogRegistry()
  readonly connections: ConnectionRegistry = new ConnectionRegistry()
  readonly loaders: RowLoaders = new RowLoaders()

  constructor({ clock, random, logger }: SluiceOptions) {
    this.clock = clock ?? systemClock
    this.stats = new QueryStats(this.clock)
    this.random = random ?? Math.random
    this.events = new Emitter(sluiceEvents, this.reportListenerError)
    this.log = new SluiceLog(logger, () => {
      this.stats.errors += 1
    })
    if (logger !== undefined) this.events.on('finding', (finding) => this.log.finding(finding))
  }

  /** Counts, logs and emits an error of Sluice's own code. */
  readonly reportError = (error: unknown): void => {
    this.stats.errors += 1
    this.log.error(error)
    this.events.emit('error', error)
  }

  /** Counts and logs an error that an event listener threw. */
  readonly reportListenerError = (error: unknown, event: PropertyKey): void => {
    this.stats.errors += 1
    this.log.warnAgain(
      `A listener of the event "${String(event)}" threw: ${errorMessage(error)}`,
      'SLUICE_LISTENER_ERROR',
    )
  }

  /** Warns once of each message. The default is for adapters, which warn of their clients. */
  readonly warn = (message: string, code: SluiceWarningCode = 'SLUICE_UNSUPPORTED_CLIENT'): void =>
    this.log.warn(message, code)
}

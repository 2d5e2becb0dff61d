import type { SoleWriter } from '../pipeline/sole-writer.ts'
import type { AnnouncedWrite, WriteOutcome } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import { databasesNamed } from '../schema/catalog-scope.ts'
import { hiddenLevel } from '../schema/hidden-calls.ts'
import { mayDefine } from '../schema/statement-definitions.ts'
import { effectOfStatement } from '../schema/statement-effect.ts'
import { WritePlan } from '../schema/write-plan.ts'
import { setBackgroundTimeout } from '../shared/timers.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SessionChange, Statement } from '../sql/statement.ts'
import { type CatalogConnections, type CatalogHost, CatalogReader } from './catalog-reader.ts'
import type { ConnectionTransactions } from './connection-transactions.ts'
import { SessionSettings } from './session-settings.ts'
import type { StatementPlan } from './statement-plan.ts'

interface AnnouncerParts {
  readonly host: CatalogHost
  readonly sourceId: string
  readonly client: {
    readonly dialect: Dialect
    isClosed?(connection: object): boolean
    wrote?(effect: WriteEffect): void
  }
  readonly transactions: ConnectionTransactions
  readonly soleWriter: SoleWriter | undefined
}

/** Announces the writes of one client's statements, as far as their SQL and the catalog show them. */
export class WriteAnnouncer {
  readonly #host: CatalogHost
  readonly #sourceId: string
  readonly #client: AnnouncerParts['client']
  readonly #transactions: ConnectionTransactions
  readonly #sessions: SessionSettings
  readonly catalog: CatalogReader

  constructor(
    { host, sourceId, client, transactions, soleWriter }: AnnouncerParts,
    connections: CatalogConnections,
  ) {
    this.#host = host
    this.#sourceId = sourceId
    this.#client = client
    this.#transactions = transactions
    this.#sessions = new SessionSettings(client.isClosed?.bind(client))
    const changed = (checkMs: number) => this.#schemaChanged(checkMs)
    const called = () => this.#wroteEverything(false)
    this.catalog = new CatalogReader(host, {
      id: sourceId,
      dialect: client.dialect,
      ...connections,
      changed,
      called,
      soleWriter,
    })
  }

  /** Identifies the state of the known schema, and whether Sluice uses it. */
  get #state(): number {
    const version = this.#host.catalogs.used()
    return this.#host.isOptimizing() ? version : ~version
  }

  /**
   * Whether a statement was found to write nothing, and no session is changed: as long as one is, its
   * connection may be closed at any time.
   *
   * @param isOptimizing - Whether Sluice uses the known schema.
   */
  isQuiet(planned: StatementPlan, isOptimizing: boolean): boolean {
    const { catalogs } = this.#host
    const state = isOptimizing ? catalogs.used() : ~catalogs.version
    return planned.unwrittenIn === state && this.#sessions.isPlain
  }

  /** Announces the write of a statement, unless it takes effect at a later commit. */
  announce(
    connection: object,
    planned: StatementPlan,
    params: readonly unknown[],
  ): AnnouncedWrite | undefined {
    const isOptimizing = this.#host.isOptimizing()
    if (this.isQuiet(planned, isOptimizing)) return undefined
    const { analyzed, onlyReads } = planned
    const { statement } = analyzed
    if (isOptimizing) this.catalog.include(statement)
    if (onlyReads && !this.#mayCallUnseen(statement)) return this.#unwritten(planned)
    const { catalogs } = this.#host
    let effect: WriteEffect | undefined
    let defines: boolean
    try {
      const plan = this.#planOf(planned)
      effect = this.effectOf(planned, params)
      const changes = this.#changesOf(statement)
      if (changes.length > 0) this.#sessions.note(connection, changes, this.#transactions.isOpen(connection))
      if (statement.ddl) this.catalog.shadowed(statement)
      if (effect === undefined) return this.#unread(connection, planned)
      if (plan === undefined) {
        // While another source is being read, the client's own catalog still shows what a statement may
        // define.
        const catalog =
          catalogs.seenBy(this.#sourceId) ??
          catalogs.of(this.#sourceId) ??
          catalogs.catalog(this.#client.dialect)
        defines = mayDefine(statement, catalog, effect)
        if (catalog === undefined && !defines) return this.#suspected(connection, statement, effect)
      } else defines = plan.defines
      this.#client.wrote?.(effect)
    } catch (error) {
      this.#host.reportError(error)
      effect = EVERYTHING
      defines = true
    } finally {
      catalogs.setStrange(this.#sourceId, this.#sessions.hasChanged)
    }
    return this.#transactions.write(connection, statement, effect, defines)
  }

  /** The effect of a statement, as far as its SQL and the catalog show it; `undefined`: none. */
  effectOf(planned: StatementPlan, params: readonly unknown[]): WriteEffect | undefined {
    const { statement } = planned.analyzed
    const plan = this.#planOf(planned)
    return plan === undefined
      ? effectOfStatement(statement, this.#sourceId, this.#host.catalogs, params)
      : plan.effectOf(params)
  }

  /** Most statements are sent repeatedly, and their writes stay the same until a catalog changes. */
  #planOf(planned: StatementPlan): WritePlan | undefined {
    const { catalogs } = this.#host
    if (planned.write?.version !== catalogs.used())
      planned.write = WritePlan.of(planned.analyzed.statement, this.#sourceId, catalogs)
    return planned.write
  }

  /** Whether a statement may call functions that only the catalog shows. */
  #mayCallUnseen(statement: Statement): boolean {
    const { dialect } = this.#client
    if (dialect === 'postgresql') return true
    if (!this.#host.isOptimizing()) return false
    const catalog = this.#host.catalogs.seenBy(this.#sourceId)
    return (
      catalog?.readsMayDo !== 'reads' ||
      !databasesNamed(statement, dialect).every((database) => catalog.describes(database))
    )
  }

  #unwritten(planned: StatementPlan): undefined {
    const { statement } = planned.analyzed
    if (this.#changesOf(statement).length === 0 && !statement.ddl) planned.unwrittenIn = this.#state
  }

  /** The session settings that a statement changes itself, or through the functions that it calls. */
  #changesOf({ session, names }: Statement): readonly SessionChange[] {
    const configuring = this.#host.catalogs.seenBy(this.#sourceId)?.functions?.configuring
    return configuring !== undefined &&
      configuring.size > 0 &&
      [...names.calls].some((name) => configuring.has(name))
      ? [...session, { kind: 'set', name: '*' }]
      : session
  }

  /** Announces a read that is sent while the functions that its views and policies call are unknown. */
  #unread(connection: object, planned: StatementPlan): AnnouncedWrite | undefined {
    const { statement } = planned.analyzed
    if (
      statement.reads.length === 0 ||
      !this.#host.isOptimizing() ||
      this.#host.catalogs.seenBy(this.#sourceId) !== undefined
    )
      return this.#unwritten(planned)
    // The adapter may have passed the statement through without reading the catalog.
    if (!this.#transactions.isOpen(connection)) void this.catalog.read()
    const { readsMayDo } = this.catalog
    if (readsMayDo !== undefined && readsMayDo !== 'reads')
      return this.#transactions.write(connection, statement, EVERYTHING, readsMayDo === 'defines')
    // A catalog that has been read by then shows what the statement did.
    const end = (outcome: WriteOutcome): Promise<void> | undefined => {
      const level = hiddenLevel(statement, this.#host.catalogs.seenBy(this.#sourceId))
      return outcome === 'rolled-back' || level === 'reads'
        ? undefined
        : this.#wroteEverything(level === 'defines').then(() => {})
    }
    return this.#transactions.ends(connection, (outcome) => void end(outcome))
      ? undefined
      : { ready: undefined, end }
  }

  /**
   * Announces a statement that may do anything, while the catalog is being read. That catalog is not used if
   * the statement may have changed the schema.
   */
  #suspected(connection: object, statement: Statement, effect: WriteEffect): AnnouncedWrite | undefined {
    const forget = this.catalog.suspect(statement)
    const ended = (outcome: WriteOutcome) => {
      if (outcome === 'unknown') this.#host.catalogs.generations.beginDefinition()(false)
      forget()
    }
    const announced = this.#transactions.write(connection, statement, effect, false)
    // The changes of a transaction take effect at its commit.
    this.#transactions.ends(connection, ended)
    if (this.#transactions.isOpen(connection) || announced === undefined) return announced
    announced.ready?.catch(forget)
    return {
      ready: announced.ready,
      end(outcome) {
        ended(outcome)
        return announced.end(outcome)
      },
    }
  }

  /**
   * Called when the schema was changed outside this process: writes in the meantime may have modified more
   * than their analysis shows.
   */
  async #schemaChanged(checkMs: number): Promise<boolean> {
    const { latestWriteMs } = this.#host
    // A process that shares the store may write, and end before it detects the change.
    if (latestWriteMs !== undefined)
      setBackgroundTimeout(() => void this.#wroteEverything(false), 2 * (latestWriteMs + checkMs))
    return this.#wroteEverything(true)
  }

  /** @returns Whether all processes that share the cache were notified. */
  async #wroteEverything(defines: boolean): Promise<boolean> {
    try {
      const announced = this.#transactions.announce(EVERYTHING, defines)
      await announced.ready
      await announced.end('committed')
      return true
    } catch {
      return false
    }
  }
}

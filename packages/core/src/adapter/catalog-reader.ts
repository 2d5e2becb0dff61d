import type { SoleWriter } from '../pipeline/sole-writer.ts'
import type { SchemaCatalog } from '../schema/catalog.ts'
import { databasesNamed, isOfServer } from '../schema/catalog-scope.ts'
import type { Connection } from '../schema/connection.ts'
import type { FunctionLevel } from '../schema/database-functions.ts'
import { readCatalog, SchemaChangingError } from '../schema/read-catalog.ts'
import { seesUncommitted } from '../schema/sees-uncommitted.ts'
import type { Unprepared } from '../schema/source-state.ts'
import { callsDefine } from '../schema/statement-definitions.ts'
import { callsMayWrite } from '../schema/statement-effect.ts'
import { warnOfLateWrites } from '../schema/warn-of-late-writes.ts'
import { isInstance } from '../shared/thrown.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement } from '../sql/statement.ts'
import { SchemaWatch, type WatchHost } from './schema-watch.ts'

/** The services that {@link CatalogReader} needs. */
export interface CatalogHost extends WatchHost {
  readonly latestWriteMs: number | undefined
  reportError(error: unknown): void
  warn(message: string, code?: SluiceWarningCode): void
}

/**
 * Calls `work` with a connection that Sluice does not observe.
 *
 * @param closing - Aborted when the client is closed: `work` cannot send anything from then on.
 */
export type OpenConnection = (
  work: (connection: Connection) => Promise<void>,
  closing: AbortSignal,
) => Promise<void>

const UNCOMMITTED =
  'The transaction isolation of the database is READ UNCOMMITTED. Its reads can show rows that are rolled back later, so Sluice optimizes none.'

/** Represents a write among the names of functions: its side effects are unknown. */
const WRITE = ' write'

/** The ways to query the database of a client. */
export interface CatalogConnections {
  /** Connects the client. Resolves with whether Sluice can query the database then. */
  readonly connect: () => Promise<boolean>
  /** Opens a connection for many statements. */
  readonly open: OpenConnection
  /** Opens a connection for a single short statement. */
  readonly openBriefly: OpenConnection
}

/** The facts about the client that {@link CatalogReader} needs. */
interface CatalogSource extends CatalogConnections {
  readonly id: string
  readonly dialect: Dialect
  /**
   * Called when the schema was changed outside this process. Resolves with whether all processes that share
   * the cache were notified.
   */
  readonly changed: (checkMs: number) => Promise<boolean>
  /** Called when reads may have written. */
  readonly called: () => Promise<unknown>
  /** The proof that no other process writes; `undefined`: it is not used. */
  readonly soleWriter: SoleWriter | undefined
}

const NOTHING_TO_READ = Promise.resolve()

/** Milliseconds for which the catalog is not read again after an error of the database. */
const RETRY_MS = 30_000

/** Milliseconds for which the end of a client waits for a statement of Sluice. */
const CLOSE_MS = 1_000

/** Number of databases that the catalog describes because statements name them. */
const MAX_NAMED = 64

/** Beyond this number, temporary tables are not distinguished from others. */
const MAX_TEMPORARY = 10_000

/** Reads the catalog of one client when it is first needed, and again after every change of the schema. */
export class CatalogReader {
  /** Names that temporary tables have or had. */
  readonly #temporary = new Set<string>()
  /**
   * The functions that statements called, or `WRITE`, since the read of the catalog began, while no catalog
   * described the statements' effects.
   */
  #suspects = new Set<string>()
  readonly #sent = new Set<ReadonlySet<string>>()
  #reading: Promise<void> | undefined
  #isFirst = true
  /** Whether the client was closed, and was not used since. */
  #isClosed = false
  /** The generation in which the catalog was read, or could not be read. */
  #readIn: number | undefined
  /** When it could not be read. */
  #failedAt: number | undefined
  #closing = new AbortController()
  /** Whether the client was used, and was not closed since. */
  #isUsed = false
  /** The catalog that was read last. */
  #known: SchemaCatalog | undefined
  /** MySQL: databases that statements name. */
  readonly #named = new Set<string>()
  readonly #watch: SchemaWatch

  constructor(
    private readonly host: CatalogHost,
    private readonly source: CatalogSource,
  ) {
    const { id, openBriefly, changed, soleWriter } = source
    host.catalogs.bind(id, this)
    host.catalogs.addReader(id, this)
    this.#watch = new SchemaWatch(host, {
      id,
      query: (work) => openBriefly(work, this.#closing.signal),
      changed,
      isCurrent: () => this.#isCurrent,
      lost: () => this.#lost(),
      soleWriter,
    })
  }

  /** The most that a read may do, according to the catalog that was read last. */
  get readsMayDo(): FunctionLevel | undefined {
    return this.#known?.readsMayDo
  }

  get #isCurrent(): boolean {
    const { current, isChanging } = this.host.catalogs.generations
    return this.#readIn === current && !isChanging
  }

  get isNeeded(): boolean {
    if (this.#reading !== undefined || this.host.catalogs.generations.isChanging || !this.host.isOptimizing())
      return false
    return !this.#isCurrent || (this.#failedAt !== undefined && performance.now() - this.#failedAt > RETRY_MS)
  }

  /** Reads the catalog if it is needed. Never rejects: without a catalog, nothing is optimized. */
  read(): Promise<void> {
    if (!this.isNeeded) {
      this.#watch.wake()
      return this.#reading ?? NOTHING_TO_READ
    }
    let end = (): void => {}
    const reading = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#reading = reading
    this.#isUsed = true
    this.#isClosed = false
    const { first } = this.host.catalogs
    if (this.#isFirst) first.expect(this.source.id)
    this.#isFirst = false
    void this.#read().then(() => {
      this.#reading = undefined
      // If the schema changed in the meantime, the next caller that needs the catalog reads it again.
      if (this.#isUsed && this.isNeeded) this.host.catalogs.set(this.source.id, undefined)
      first.end(this.source.id)
      end()
    })
    return reading
  }

  async #read(): Promise<void> {
    const { host, source } = this
    const { catalogs } = host
    const { generations } = catalogs
    const generation = generations.current
    const { signal } = this.#closing
    this.#suspects = new Set([...this.#sent].flatMap((names) => [...names]))
    catalogs.set(source.id, undefined)
    let isOpened = false
    try {
      await source.open(async (connection) => {
        isOpened = true
        let queriedAt = 0
        const query: Connection['query'] = (sql, params) => {
          queriedAt = performance.now()
          return connection.query(sql, params)
        }
        if (await seesUncommitted(connection)) {
          host.warn(UNCOMMITTED, 'SLUICE_READS_UNCOMMITTED')
          this.#failed(generation)
          return
        }
        const named = [...this.#named]
        const catalog = await readCatalog({ dialect: connection.dialect, query }, this.#known, named)
        await warnOfLateWrites(connection, host)
        // Reads that were sent while no catalog was known may have called functions that write.
        if (catalog.readsMayDo !== 'reads') await source.called()
        if (signal.aborted || generations.current !== generation || this.#mayHaveDefined(catalog)) return
        this.#readIn = generation
        this.#failedAt = undefined
        this.#known = catalog
        catalogs.set(source.id, catalog, generation)
        this.#watch.start(catalog, queriedAt)
      }, signal)
      // The client is gone.
      if (!isOpened && !signal.aborted) this.#failed(generation)
    } catch (error) {
      // Closing the client ends the statements that it sends, and objects that are read while the schema
      // changes may be gone.
      if (signal.aborted || generations.current !== generation || isInstance(error, SchemaChangingError))
        return
      host.reportError(error)
      this.#failed(generation)
    }
  }

  async prepare(ending: AbortSignal): Promise<'known' | Unprepared | undefined> {
    const { host, source } = this
    if (this.#isClosed || !host.isOptimizing()) return undefined
    try {
      if (!(await source.connect())) return 'NO_CONNECTION'
    } catch (error) {
      if (!ending.aborted) host.reportError(error)
      return 'NO_CONNECTION'
    }
    do await this.read()
    while (this.isNeeded && !this.#isClosed && !ending.aborted)
    return host.catalogs.of(source.id) === undefined ? 'NO_CATALOG' : 'known'
  }

  /** Reads the catalog if it was needed before. */
  readIfStale(): void {
    if (this.#isUsed) void this.read()
  }

  /**
   * Drops the catalog until it is needed again. Resolves when Sluice holds no connection for it: at the end
   * of a statement that is in progress, but no later than after a second.
   */
  async forget(): Promise<void> {
    this.#closing.abort()
    this.#closing = new AbortController()
    this.#isClosed = true
    this.#lost()
    this.#known = undefined
    const held = [this.#reading, this.#watch.comparison].filter((one) => one !== undefined)
    if (held.length === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([Promise.allSettled(held), late])
    clearTimeout(timer)
  }

  #lost(): void {
    this.#watch.stop()
    this.#isUsed = false
    this.#readIn = undefined
    this.host.catalogs.delete(this.source.id)
  }

  /**
   * Records the other databases of a MySQL server that a statement names. If the catalog does not describe
   * one of them, it is read again: the database can contain views that call functions, and useful tables.
   */
  include(statement: Statement): void {
    const { catalogs } = this.host
    const seen = catalogs.seenBy(this.source.id)
    for (const database of databasesNamed(statement, this.source.dialect)) {
      if (seen?.describes(database) !== true && this.#named.size < MAX_NAMED) this.#named.add(database)
    }
    const known = this.#readIn === undefined ? undefined : this.#known
    if (known === undefined || [...this.#named].every((database) => known.describes(database))) return
    this.#readIn = undefined
    catalogs.set(this.source.id, undefined)
  }

  /** Records a statement that creates temporary tables or triggers. */
  shadowed(statement: Statement): void {
    const { catalogs } = this.host
    const { temporary, triggered } = statement
    const calls = temporary.length > 0 && callsMayWrite(statement, catalogs.seenBy(this.source.id))
    for (const name of temporary) {
      catalogs.shadow(name, calls)
      if (this.#temporary.size < MAX_TEMPORARY) this.#temporary.add(name.toLowerCase())
    }
    for (const name of triggered) catalogs.trigger(name)
  }

  /**
   * Records a statement that is sent while no catalog describes its effects. The catalog that is being read
   * will.
   *
   * @returns The function that reports the end of the statement; in a transaction, the end of the
   *   transaction.
   */
  suspect({ functions, writes }: Statement): () => void {
    const sent = new Set(functions)
    if (writes.length > 0) sent.add(WRITE)
    this.#sent.add(sent)
    for (const name of sent) this.#suspects.add(name)
    return () => void this.#sent.delete(sent)
  }

  #mayHaveDefined(catalog: SchemaCatalog): boolean {
    if (this.#suspects.has(WRITE) && catalog.hasDefiningTriggers) return true
    return callsDefine(
      [...this.#suspects].filter((name) => name !== WRITE),
      catalog,
    )
  }

  #failed(generation: number): void {
    this.#watch.stop()
    this.#readIn = generation
    this.#failedAt = performance.now()
    this.host.catalogs.delete(this.source.id)
  }

  /** Number of names that temporary tables have or had. */
  get temporaryTables(): number {
    return this.#temporary.size
  }

  /**
   * Whether every server with the same rows has these tables: no system tables of a server, and no temporary
   * tables.
   */
  areShared(tables: readonly (readonly string[])[]): boolean {
    return tables.every(
      (name) =>
        !isServerTable(name, this.source.dialect) && !this.#temporary.has((name.at(-1) ?? '').toLowerCase()),
    )
  }
}

function isServerTable(name: readonly string[], dialect: Dialect): boolean {
  if (dialect === 'mysql') return name.length > 1 && isOfServer(name[0] ?? '')
  return name.some((part) => /^(?:pg_|information_schema$)/i.test(part))
}

import type { SchemaCatalog } from '../schema/catalog.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Connection } from '../schema/connection.ts'
import { readCatalog } from '../schema/read-catalog.ts'
import { callsDefine } from '../schema/statement-definitions.ts'
import { warnOfLateWrites } from '../schema/warn-of-late-writes.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement } from '../sql/statement.ts'

/** The services that {@link CatalogReader} needs. */
export interface CatalogHost {
  readonly catalogs: CatalogRegistry
  readonly latestWriteMs: number | undefined
  isOptimizing(): boolean
  reportError(error: unknown): void
  warn(message: string): void
}

/** Calls `work` with a connection that Sluice does not observe. */
export type OpenConnection = (work: (connection: Connection) => Promise<void>) => Promise<void>

/** Stands for a write among the names of functions: what it sets off is unknown. */
const WRITE = ' write'

const NOTHING_TO_READ = Promise.resolve()

/** Beyond this number, temporary tables are not distinguished from others. */
const MAX_TEMPORARY = 10_000

/** Reads the catalog of one client when it is first needed, and again after every change of the schema. */
export class CatalogReader {
  /** Names that temporary tables have or had. */
  readonly #temporary = new Set<string>()
  /** Statements that were sent since the catalog is being read, while no catalog said what they do: what they call, or `WRITE`. */
  #suspects = new Set<string>()
  readonly #sent = new Set<ReadonlySet<string>>()
  #reading: Promise<void> | undefined
  /** The generation in which the catalog was read, or could not be read. */
  #readIn: number | undefined

  constructor(
    private readonly host: CatalogHost,
    private readonly sourceId: string,
    private readonly dialect: Dialect,
    private readonly open: OpenConnection,
  ) {
    host.catalogs.bind(sourceId, this)
    host.catalogs.addReader(sourceId, this)
  }

  get isNeeded(): boolean {
    const { generations } = this.host.catalogs
    return this.#reading === undefined && this.#readIn !== generations.current && !generations.isChanging && this.host.isOptimizing()
  }

  /** Reads the catalog if it is needed. Never rejects: without a catalog, nothing is optimized. */
  read(): Promise<void> {
    if (!this.isNeeded) return this.#reading ?? NOTHING_TO_READ
    let end = (): void => {}
    const reading = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#reading = reading
    void this.#read().then(() => {
      this.#reading = undefined
      // After a change in between, it is read again by whoever needs it first.
      if (this.isNeeded) this.host.catalogs.set(this.sourceId, undefined)
      end()
    })
    return reading
  }

  async #read(): Promise<void> {
    const { host, sourceId } = this
    const { catalogs } = host
    const { generations } = catalogs
    const generation = generations.current
    this.#suspects = new Set([...this.#sent].flatMap((names) => [...names]))
    catalogs.set(sourceId, undefined)
    let isOpened = false
    try {
      await this.open(async (connection) => {
        isOpened = true
        const catalog = await readCatalog(connection)
        await warnOfLateWrites(connection, host)
        if (generations.current !== generation || this.#mayHaveDefined(catalog)) return
        this.#readIn = generation
        catalogs.set(sourceId, catalog, generation)
      })
      // The client is gone.
      if (!isOpened) this.#failed(generation)
    } catch (error) {
      host.reportError(error)
      this.#failed(generation)
    }
  }

  /** Reads the catalog if another one was read before. */
  readIfStale(): void {
    if (this.#readIn !== undefined && this.isNeeded) void this.read()
  }

  /** Drops the catalog until it is needed again. Resolves when a read that is under way has ended. */
  forget(): Promise<void> {
    this.#readIn = undefined
    this.host.catalogs.delete(this.sourceId)
    return this.#reading ?? NOTHING_TO_READ
  }

  /** A statement is sent that creates temporary tables or triggers. */
  shadowed({ temporary, triggered }: Statement): void {
    const { catalogs } = this.host
    for (const name of temporary) {
      catalogs.shadow(name)
      if (this.#temporary.size < MAX_TEMPORARY) this.#temporary.add(name.toLowerCase())
    }
    for (const name of triggered) catalogs.trigger(name)
  }

  /**
   * A statement is sent while no catalog says what it does: the catalog that is being read will.
   *
   * @returns The function that reports its end; in a transaction, the transaction's.
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
    this.#readIn = generation
    this.host.catalogs.delete(this.sourceId)
  }

  /** Whether every server with the same rows has these tables: no table of the server's own, and no temporary one. */
  areShared(tables: readonly (readonly string[])[]): boolean {
    return tables.every((name) => !isOfServer(name, this.dialect) && !this.#temporary.has((name.at(-1) ?? '').toLowerCase()))
  }
}

function isOfServer(name: readonly string[], dialect: Dialect): boolean {
  if (dialect === 'mysql') return name.length > 1 && /^(?:information_schema|performance_schema|mysql|sys)$/i.test(name[0] ?? '')
  return name.some((part) => /^(?:pg_|information_schema$)/i.test(part))
}

import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Connection } from '../schema/connection.ts'
import { readCatalog } from '../schema/read-catalog.ts'
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

/** Beyond this number, temporary tables are not distinguished from others. */
const MAX_TEMPORARY = 10_000

/** Reads the catalog of one client when it is first needed, and again after DDL. */
export class CatalogReader {
  /** Names that temporary tables have or had. */
  readonly #temporary = new Set<string>()
  #state: 'unread' | 'reading' | 'read' = 'unread'

  constructor(
    private readonly host: CatalogHost,
    private readonly sourceId: string,
    private readonly dialect: Dialect,
  ) {
    host.catalogs.bind(sourceId, this)
  }

  get isNeeded(): boolean {
    return this.#state === 'unread' && this.host.isOptimizing()
  }

  /** Reads the catalog if it is needed. Never rejects: without a catalog, nothing is optimized. */
  async read(open: OpenConnection): Promise<void> {
    if (!this.isNeeded) return
    const { host, sourceId } = this
    this.#state = 'reading'
    host.catalogs.set(sourceId, undefined)
    try {
      await open(async (connection) => {
        const catalog = await readCatalog(connection)
        await warnOfLateWrites(connection, host)
        // After DDL in between, the next statement reads it again.
        if (this.#state !== 'reading') return
        this.#state = 'read'
        host.catalogs.set(sourceId, catalog)
      })
    } catch (error) {
      host.reportError(error)
      if (this.#state !== 'reading') return
      this.#state = 'read'
      host.catalogs.delete(sourceId)
    }
  }

  /** Drops the catalog until it is needed again. */
  forget(): void {
    this.#state = 'unread'
    this.host.catalogs.delete(this.sourceId)
  }

  /** Several statements are sent at once, and may include DDL. */
  mayHaveChanged(): void {
    this.#state = 'unread'
  }

  /** A statement with DDL is sent. */
  changed({ temporary, triggered }: Statement): void {
    const { catalogs } = this.host
    for (const name of temporary) {
      catalogs.shadow(name)
      if (this.#temporary.size < MAX_TEMPORARY) this.#temporary.add(name.toLowerCase())
    }
    for (const name of triggered) catalogs.trigger(name)
    if (this.#state === 'unread') return
    this.#state = 'unread'
    catalogs.set(this.sourceId, undefined)
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

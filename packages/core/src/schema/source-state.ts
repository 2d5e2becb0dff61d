import type { SchemaCatalog } from './catalog.ts'
import type { TableId } from './catalog-data.ts'
import type { RowKey } from './row-key.ts'

/** The reason why the catalog of a client is not known. */
export type Unprepared = 'NO_CONNECTION' | 'NO_CATALOG'

/** Reads the catalog of a source again if it was read before a schema change. */
export interface StaleReader {
  readIfStale(): void
  /**
   * Connects the client, and reads the catalog if it is needed. Never rejects.
   *
   * @param ending - Aborted when the result no longer matters.
   * @returns `undefined`: Sluice does not use the catalog now.
   */
  prepare(ending: AbortSignal): Promise<'known' | Unprepared | undefined>
  forget(): Promise<void>
}

/** The knowledge of one source. */
export class SourceState {
  /** `undefined`: it is being read, or was never set. */
  catalog: SchemaCatalog | undefined = undefined
  /** Whether a catalog, or that it is being read, was set. */
  isSet = false
  /** The generation in which the catalog was read; `undefined` if a schema file declares it. */
  readIn: number | undefined = undefined
  /** Whether the catalog was derived from that of a different source. */
  isDerived = false
  /** Whether it has a connection whose session settings can change the meaning of statements. */
  isStrange = false
  /** Whether its schema may have changed, because the database has not been queried recently. */
  isUnchecked = false
  aliases: ReadonlyMap<string, ReadonlySet<TableId>> | undefined = undefined
  /** By table; `null` if rows are not distinguished. */
  readonly rowKeys: Map<TableId, RowKey | null> = new Map()

  constructor(public reader: WeakRef<StaleReader> | undefined = undefined) {}
}

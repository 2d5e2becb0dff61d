import type { SchemaCatalog } from './catalog.ts'
import type { TableId } from './catalog-data.ts'
import type { RowKey } from './row-key.ts'

/** Reads the catalog of a source again if it was read before a schema change. */
export interface StaleReader {
  readIfStale(): void
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

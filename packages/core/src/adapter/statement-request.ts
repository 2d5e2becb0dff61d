import type { CacheControl } from '../pipeline/cache-control.ts'
import type { CacheRequest } from '../pipeline/operation.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { ReadPlan } from '../schema/read-plan.ts'
import type { KeyedRows } from '../schema/row-key.ts'
import type { Dialect } from '../sql/dialect.ts'
import { isResultOf, type ResultForm } from './result-shape.ts'

/** How a result is copied; see `CacheRequest`. */
interface Copying<T> {
  readonly copy: (value: T) => { readonly value: T } | undefined
  readonly recopy: (value: T) => T
}

/** A read as SQL, and how its client returns the result. */
export interface RequestedRead<T> {
  readonly sql: string
  readonly params: readonly unknown[]
  readonly form: ResultForm
  /** Whether the parsers of values are those of the driver. */
  readonly isTyped: boolean
  readonly control: CacheControl | undefined
  /** Default: rows are plain data. */
  readonly copier?: Copying<T>
}

/** The client that sends it. */
export interface RequestingClient {
  readonly source: { readonly id: string; readonly dialect: Dialect }
  readonly catalogs: CatalogRegistry
}

/** The cache request of a statement with bound values. Its rows are determined only for a miss. */
export class StatementRequest<T> implements CacheRequest<T> {
  readonly statement: string
  readonly tables: readonly TableId[]
  readonly control: CacheControl | undefined
  readonly copy?: Copying<T>['copy']
  readonly recopy?: Copying<T>['recopy']
  #rows: KeyedRows | null | undefined = undefined

  constructor(
    readonly key: string,
    readonly plan: ReadPlan,
    private readonly read: RequestedRead<T>,
    private readonly client: RequestingClient,
  ) {
    const { copier, sql, control } = read
    this.statement = sql
    this.tables = plan.tables
    this.control = control
    if (copier === undefined) return
    this.copy = copier.copy
    this.recopy = copier.recopy
  }

  get rows(): ReadonlyMap<TableId, readonly number[]> | undefined {
    const { pinnedTable } = this.plan
    const rows = this.#keyed()
    return pinnedTable === undefined || rows === null ? undefined : new Map([[pinnedTable, rows.buckets]])
  }

  /**
   * If one row is expected, any row in the result proves that it existed; if several are expected, the result
   * must contain as many rows as were requested.
   */
  isComplete(value: T): boolean {
    const rows = this.#keyed()
    if (rows === null) return false
    const { count } = rows
    if (!Array.isArray(value)) return count === 1 && value !== undefined && value !== null
    return count === 1 ? value.length > 0 : this.plan.isPlain && value.length === count
  }

  accepts(value: unknown): boolean {
    const { catalogs, source } = this.client
    const { sql, params, form, isTyped } = this.read
    const result = { sql, params, form, isTyped, dialect: source.dialect }
    return isResultOf(result, catalogs.trusted(source.id), value)
  }

  #keyed(): KeyedRows | null {
    if (this.#rows === undefined) this.#rows = this.plan.rowsOf(this.read.params) ?? null
    return this.#rows
  }
}

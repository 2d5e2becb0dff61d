import type { Statement } from '../sql/statement.ts'
import type { WriteEffect } from './catalog.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { PlannedRows } from './planned-rows.ts'
import { MAX_WRITTEN_ROWS } from './row-key.ts'
import { mayDefine } from './statement-definitions.ts'
import { changesOf, effectOfStatement } from './statement-effect.ts'

/** The writes of a statement, without its bound values. Valid in one version of the catalogs. */
export class WritePlan {
  private constructor(
    readonly version: number,
    private readonly effect: WriteEffect | undefined,
    /** `undefined`: the effect is the same for all values. */
    private readonly rows: PlannedRows | undefined,
    /** See `mayDefine`. */
    readonly defines: boolean,
  ) {}

  /**
   * The plan of a statement. `undefined`: there is none; `effectOfStatement` determines each effect.
   *
   * @param sourceId - The source whose catalog the statement's names refer to.
   */
  static of(statement: Statement, sourceId: string, catalogs: CatalogRegistry): WritePlan | undefined {
    if (statement.ddl || statement.session.length > 0 || statement.writes.length > 1) return undefined
    const catalog = catalogs.seenBy(sourceId)
    if (catalog === undefined) return undefined
    const { version } = catalogs
    const effect = effectOfStatement(statement, sourceId, catalogs)
    const defines = effect !== undefined && mayDefine(statement, catalog, effect)
    const [write] = statement.writes
    if (effect === undefined || effect.everything || write === undefined)
      return new WritePlan(version, effect, undefined, defines)
    const table = catalog.idOf(write.name)
    const key = write.conditions && catalogs.rowKey(sourceId, table)
    // If the effect of one row is confined to it, so is the effect of any other row.
    const isConfined =
      key && catalogs.effectOf(catalog.dialect, changesOf(write, table, [0])).rows?.has(table)
    const rows =
      key && isConfined === true ? PlannedRows.of(statement, write.conditions ?? [], table, key) : undefined
    return new WritePlan(version, effect, rows, defines)
  }

  /** The effect of the statement with these values; `undefined`: it writes nothing. */
  effectOf(values: readonly unknown[]): WriteEffect | undefined {
    const { effect, rows } = this
    if (effect === undefined || rows === undefined) return effect
    const named = rows.of(values, MAX_WRITTEN_ROWS)
    return named === undefined
      ? effect
      : { tables: effect.tables, rows: new Map([[rows.table, new Set(named.buckets)]]), everything: false }
  }
}

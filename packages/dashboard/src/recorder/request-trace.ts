import { analyzeSql, type Dialect } from '@sluice/core'
import { type AnalyzedSql, isRefusal, type Operation, type Shape } from '@sluice/core/adapter'
import type { ExecutionGroup, SavedBy, Scope, ScopeTrace, WatchedShape } from '@sluice/core/siblings'
import type { Fill } from '../protocol/request.ts'

/** Maximum number of rows per request. */
export const MAX_ROWS = 100
/** Maximum number of ticks per row and per request. */
export const MAX_ROW_TICKS = 250
const MAX_TICKS = 1_500

/** A row of a running request. Times are monotonic. */
export interface OpenRow {
  readonly fingerprint: string
  readonly label: string
  readonly kind: Shape['kind']
  readonly table: string | undefined
  readonly shape: Shape | undefined
  /** Set when the first statement with its fingerprint is sent. */
  dialect: Dialect | undefined
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** The group of an operation, which contains its stacks and parent queries. */
  readonly group: ExecutionGroup | undefined
  /** For a statement, the group of the only operation in flight. For a batched read, its own group. */
  readonly under: ExecutionGroup | undefined
  count: number
  startedAt: number
  endedAt: number
  databaseMs: number
  rows: number
  failed: number
  parallel: number
  /** Start, duration, rows and failure of the first executions. */
  readonly ticks: number[]
}

type NewRow = Pick<
  OpenRow,
  'fingerprint' | 'label' | 'kind' | 'table' | 'shape' | 'dialect' | 'level' | 'fill' | 'group' | 'under'
>

/** Records the queries of one scope in bounded memory. Every query of the app waits for it. */
export class RequestTrace implements ScopeTrace {
  readonly rows: OpenRow[] = []
  omittedRows = 0
  readonly #byGroup = new Map<ExecutionGroup, OpenRow>()
  readonly #byKey = new Map<string, OpenRow>()
  /**
   * Rows by analyzed statement: each statement is analyzed once, and a string key would be slower than this
   * lookup.
   */
  #byText: Map<AnalyzedSql, OpenRow> | undefined
  #ticks = 0
  #isOver = false

  constructor(
    private readonly scope: Scope,
    private readonly now: () => number,
  ) {}

  /** Stops recording. Queries that finish later are ignored. */
  close(): void {
    this.#isOver = true
  }

  executed(group: ExecutionGroup, startedAt: number, endedAt: number, rows: number, failed: boolean): void {
    if (this.#isOver) return
    let row = this.#byGroup.get(group)
    if (row === undefined) {
      row = this.#open(ofShape(group.shape, 'database', group))
      if (row === undefined) return
      this.#byGroup.set(group, row)
    }
    this.#add(row, startedAt, endedAt, rows, failed)
    row.parallel = group.parallel
  }

  merged(group: ExecutionGroup, startedAt: number, endedAt: number): void {
    if (this.#isOver) return
    const row = this.#keyed(`orm ${group.shape.fingerprint}`, () =>
      ofShape(group.shape, 'orm', undefined, group),
    )
    if (row !== undefined) this.#add(row, startedAt, endedAt, 0, false)
  }

  saved(operation: Operation<unknown>, by: SavedBy, count: number, startedAt?: number): void {
    if (this.#isOver) return
    const { shape } = operation
    const now = this.now()
    const row =
      shape === undefined
        ? this.#statementRow(operation, by)
        : this.#keyed(`${by} ${shape.fingerprint}`, () =>
            ofShape(shape, by, undefined, this.scope.groups.get(shape.fingerprint)),
          )
    if (row === undefined) return
    this.#add(row, startedAt ?? now, now, 0, false)
    row.count += count - 1
  }

  /**
   * Called when a statement is sent. It belongs to an operation with a row, or is a row itself. Returns
   * `undefined` if its end is not needed.
   */
  sent(analyzed: AnalyzedSql, dialect: Dialect): WatchedShape | undefined {
    if (this.#isOver) return undefined
    const row = this.#rowOf(analyzed.fingerprint)
    if (row !== undefined) {
      row.dialect ??= dialect
      return undefined
    }
    return new SentStatement(this, analyzed, dialect, this.#onlyOneUnderWay())
  }

  /**
   * Called when a statement without a known row ends. The group of its fingerprint may have been created in
   * the meantime.
   */
  ended(
    analyzed: AnalyzedSql,
    dialect: Dialect,
    under: ExecutionGroup | undefined,
    startedAt: number,
    endedAt: number,
    rows: number,
    failed: boolean,
  ): void {
    if (this.#isOver) return
    const { fingerprint } = analyzed
    const known = this.#rowOf(fingerprint)
    if (known !== undefined) known.dialect ??= dialect
    if (this.scope.groups.has(fingerprint)) return
    const row =
      this.#byText?.get(analyzed) ??
      this.#keyed(`sql ${dialect} ${fingerprint}`, () => ofStatement(analyzed, dialect, under))
    if (row === undefined) return
    this.#byText ??= new Map()
    this.#byText.set(analyzed, row)
    if (startedAt < row.endedAt) row.parallel += 1
    this.#add(row, startedAt, endedAt, rows, failed)
  }

  /** Returns the operation of a statement, if it is certain. */
  #onlyOneUnderWay(): ExecutionGroup | undefined {
    let only: ExecutionGroup | undefined
    for (const group of this.scope.groups.values()) {
      if (group.inFlight === 0) continue
      if (only !== undefined) return undefined
      only = group
    }
    return only
  }

  #rowOf(fingerprint: string): OpenRow | undefined {
    const group = this.scope.groups.get(fingerprint)
    return group === undefined ? undefined : this.#byGroup.get(group)
  }

  /** For adapters that compile operations later: the statement represents the operation. */
  #statementRow(operation: Operation<unknown>, by: SavedBy): OpenRow | undefined {
    const request = operation.cacheRequest?.()
    const sql = request === undefined || isRefusal(request) ? undefined : request.statement
    const { dialect } = operation.source
    const table = operation.rowSource?.()?.table
    const { fingerprint, shape: label } =
      sql === undefined
        ? { fingerprint: `by key ${table}`, shape: `${table ?? 'rows'} by key` }
        : analyzeSql(sql, dialect)
    return this.#keyed(`${by} ${fingerprint}`, () => ({
      fingerprint,
      label,
      kind: 'read',
      table,
      shape: undefined,
      dialect,
      level: 'operation',
      fill: by,
      group: undefined,
      under: this.scope.groups.get(fingerprint),
    }))
  }

  #keyed(key: string, make: () => NewRow): OpenRow | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const row = this.#open(make())
    if (row !== undefined) this.#byKey.set(key, row)
    return row
  }

  #open(created: NewRow): OpenRow | undefined {
    if (this.rows.length >= MAX_ROWS) {
      this.omittedRows += 1
      return undefined
    }
    // A spread would be several times as expensive, and this runs several times per request.
    const { fingerprint, label, kind, table, shape, dialect, level, fill, group, under } = created
    const row: OpenRow = {
      fingerprint,
      label,
      kind,
      table,
      shape,
      dialect,
      level,
      fill,
      group,
      under,
      count: 0,
      startedAt: Number.POSITIVE_INFINITY,
      endedAt: 0,
      databaseMs: 0,
      rows: 0,
      failed: 0,
      parallel: 0,
      ticks: [],
    }
    this.rows.push(row)
    return row
  }

  #add(row: OpenRow, startedAt: number, endedAt: number, rows: number, failed: boolean): void {
    row.count += 1
    row.rows += rows
    if (failed) row.failed += 1
    if (startedAt < row.startedAt) row.startedAt = startedAt
    if (endedAt > row.endedAt) row.endedAt = endedAt
    if (row.fill === 'database') row.databaseMs += endedAt - startedAt
    if (this.#ticks >= MAX_TICKS || row.count > MAX_ROW_TICKS) return
    this.#ticks += 1
    row.ticks.push(startedAt, endedAt - startedAt, rows, failed ? 1 : 0)
  }
}

class SentStatement implements WatchedShape {
  constructor(
    private readonly trace: RequestTrace,
    private readonly analyzed: AnalyzedSql,
    private readonly dialect: Dialect,
    private readonly under: ExecutionGroup | undefined,
  ) {}

  ended(startedAt: number, endedAt: number, rows: number, failed: boolean): void {
    this.trace.ended(this.analyzed, this.dialect, this.under, startedAt, endedAt, rows, failed)
  }
}

function ofShape(
  shape: Shape,
  fill: Fill,
  group: ExecutionGroup | undefined,
  under?: ExecutionGroup,
): NewRow {
  const { fingerprint, label, kind, table } = shape
  return {
    fingerprint,
    label,
    kind,
    table,
    shape,
    dialect: undefined,
    level: 'operation',
    fill,
    group,
    under,
  }
}

function ofStatement(
  { fingerprint, shape: label, statement }: AnalyzedSql,
  dialect: Dialect,
  under: ExecutionGroup | undefined,
): NewRow {
  const { writes, reads } = statement
  const table = (reads[0] ?? writes[0]?.name)?.join('.')
  return {
    fingerprint,
    label,
    kind: writes.length === 0 ? 'read' : 'write',
    table,
    shape: undefined,
    dialect,
    level: 'statement',
    fill: 'database',
    group: undefined,
    under,
  }
}

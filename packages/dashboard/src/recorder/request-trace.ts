import { type AnalyzedSql, analyzeSql, type Dialect } from '@sluice/core'
import { isRefusal, type Operation, type Shape } from '@sluice/core/adapter'
import type { ExecutionGroup, Scope, ScopeTrace, SparedBy, WatchedShape } from '@sluice/core/siblings'
import type { Fill } from '../protocol/request.ts'

/** Rows of a request that are told apart. */
export const MAX_ROWS = 100
/** Ticks of a row, and of a request. */
export const MAX_ROW_TICKS = 250
const MAX_TICKS = 1_500

/** A row while its request runs. Times are monotonic. */
export interface OpenRow {
  readonly fingerprint: string
  readonly label: string
  readonly kind: Shape['kind']
  readonly table: string | undefined
  readonly shape: Shape | undefined
  /** Set once a statement of its fingerprint was seen. */
  dialect: Dialect | undefined
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** Of what the ORM or the app asked: where its stacks and listings are. */
  readonly group: ExecutionGroup | undefined
  /** Of a statement: the group that was the only one under way; of a read that was answered by another's query, its own. */
  readonly under: ExecutionGroup | undefined
  count: number
  startedAt: number
  endedAt: number
  databaseMs: number
  rows: number
  failed: number
  parallel: number
  /** Start, duration, rows, failed: of the first ones. */
  readonly ticks: number[]
}

type NewRow = Pick<OpenRow, 'fingerprint' | 'label' | 'kind' | 'table' | 'shape' | 'dialect' | 'level' | 'fill' | 'group' | 'under'>

/** Gathers what happens in one scope. Bounded, whatever happens; every execution of the app waits for it. */
export class RequestTrace implements ScopeTrace {
  readonly rows: OpenRow[] = []
  omittedRows = 0
  readonly #byGroup = new Map<ExecutionGroup, OpenRow>()
  readonly #byKey = new Map<string, OpenRow>()
  /** Of statements: a text is analysed once, and to make a key of it costs more than to look that up. */
  #byText: Map<AnalyzedSql, OpenRow> | undefined
  #ticks = 0
  #isOver = false

  constructor(
    private readonly scope: Scope,
    private readonly now: () => number,
  ) {}

  /** Nothing is taken any more: what ends now began in it, and is told too late. */
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
    const row = this.#keyed(`orm ${group.shape.fingerprint}`, () => ofShape(group.shape, 'orm', undefined, group))
    if (row !== undefined) this.#add(row, startedAt, endedAt, 0, false)
  }

  spared(operation: Operation<unknown>, by: SparedBy, count: number, startedAt?: number): void {
    if (this.#isOver) return
    const { shape } = operation
    const now = this.now()
    const row =
      shape === undefined
        ? this.#statementRow(operation, by)
        : this.#keyed(`${by} ${shape.fingerprint}`, () => ofShape(shape, by, undefined, this.scope.groups.get(shape.fingerprint)))
    if (row === undefined) return
    this.#add(row, startedAt ?? now, now, 0, false)
    row.count += count - 1
  }

  /** A statement is sent: of an operation that is a row of its own, or it is one by itself. `undefined`: nothing is to be learnt of its end. */
  sent(analyzed: AnalyzedSql, dialect: Dialect): WatchedShape | undefined {
    if (this.#isOver) return undefined
    const row = this.#rowOf(analyzed.fingerprint)
    if (row !== undefined) {
      row.dialect ??= dialect
      return undefined
    }
    return new SentStatement(this, analyzed, dialect, this.#onlyOneUnderWay())
  }

  /** A statement has ended of which no row was known when it was sent: the group of its fingerprint may have been opened after that. */
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
    const row = this.#byText?.get(analyzed) ?? this.#keyed(`sql ${dialect} ${fingerprint}`, () => ofStatement(analyzed, dialect, under))
    if (row === undefined) return
    this.#byText ??= new Map()
    this.#byText.set(analyzed, row)
    if (startedAt < row.endedAt) row.parallel += 1
    this.#add(row, startedAt, endedAt, rows, failed)
  }

  /** The group that a statement belongs to for certain. */
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

  /** Of an adapter whose operations have no shape before they are compiled: the statement stands for it. */
  #statementRow(operation: Operation<unknown>, by: SparedBy): OpenRow | undefined {
    const request = operation.cacheRequest?.()
    const sql = request === undefined || isRefusal(request) ? undefined : request.statement
    const { dialect } = operation.source
    const table = operation.rowSource?.()?.table
    const { fingerprint, shape: label } =
      sql === undefined ? { fingerprint: `by key ${table}`, shape: `${table ?? 'rows'} by key` } : analyzeSql(sql, dialect)
    return this.#keyed(`${by} ${fingerprint}`, () => ({
      ...{ fingerprint, label, kind: 'read', table, shape: undefined, dialect },
      ...{ level: 'operation', fill: by, group: undefined, under: this.scope.groups.get(fingerprint) },
    }))
  }

  #keyed(key: string, make: () => NewRow): OpenRow | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const row = this.#open(make())
    if (row !== undefined) this.#byKey.set(key, row)
    return row
  }

  #open(made: NewRow): OpenRow | undefined {
    if (this.rows.length >= MAX_ROWS) {
      this.omittedRows += 1
      return undefined
    }
    // No spread: it costs several times as much, and each request makes some.
    const { fingerprint, label, kind, table, shape, dialect, level, fill, group, under } = made
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

/** A statement that was sent, and may be a row. */
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

function ofShape(shape: Shape, fill: Fill, group: ExecutionGroup | undefined, under?: ExecutionGroup): NewRow {
  const { fingerprint, label, kind, table } = shape
  return { fingerprint, label, kind, table, shape, dialect: undefined, level: 'operation', fill, group, under }
}

function ofStatement({ fingerprint, shape: label, statement }: AnalyzedSql, dialect: Dialect, under: ExecutionGroup | undefined): NewRow {
  const { writes, reads } = statement
  const table = (reads[0] ?? writes[0]?.name)?.join('.')
  return {
    ...{ fingerprint, label, kind: writes.length === 0 ? 'read' : 'write', table, shape: undefined, dialect },
    ...{ level: 'statement', fill: 'database', group: undefined, under },
  }
}

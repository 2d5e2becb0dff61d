import type { Clock } from '../shared/clock.ts'
import type { ExecutionGroup, Sample, Stack } from './execution-group.ts'
import type { Shape } from './operation.ts'
import type { QueryStats } from './query-stats.ts'
import type { Scope } from './scope.ts'

/** What can tell where it was issued, and with what. */
interface Traceable {
  stack?(): Stack | undefined
  /** Its arguments or bindings: what tells it from others of its shape. Must not change afterwards. `undefined`: not known. */
  values?(): unknown
}

/** Executions of a group that are remembered one by one. */
const SAMPLES = 64

/** Stacks are kept up to this execution of a group, beginning with the second; enough to tell its call sites. */
const LAST_STACK = 10

/** Shapes that a scope counts by themselves; a scope that lives long is no endless list. */
const MAX_GROUPS = 1000

/** Listings that a scope remembers: loops walk along a recent one. */
const LISTINGS = 8

/** One execution under way. */
export interface Execution {
  readonly scope: Scope | undefined
  readonly group: ExecutionGroup | undefined
  readonly startedAt: number
  /** Whether the ORM merges it with another one, which counts for both. */
  readonly isMerged: boolean
}

/** Counts what reaches the database, in total and by scope. */
export class Recorder {
  constructor(
    private readonly clock: Clock,
    private readonly stats: QueryStats,
  ) {}

  /**
   * An execution of a shape begins.
   *
   * @param issued - Asked for its values, and for its stack from the second execution of a group on.
   */
  begin(scope: Scope | undefined, shape: Shape, issued: Traceable): Execution {
    this.stats.executed += 1
    if (scope === undefined || scope.ended) return this.#execution(undefined, undefined, false)
    if (shape.kind !== 'read') {
      scope.writes += 1
      scope.basis?.spoil('write')
    }
    const group = scope.groups.get(shape.fingerprint) ?? this.#open(scope, shape)
    if (group === undefined) return this.#execution(scope, group, false)
    const isOverlapping = group.inFlight > 0
    group.inFlight += 1
    if (isOverlapping && shape.mergedByOrm === true) return this.#execution(scope, group, true)
    group.count += 1
    if (isOverlapping) group.parallel += 1
    if (group.count <= SAMPLES) group.samples.push(sampleOf(scope, group.count, issued))
    return this.#execution(scope, group, false)
  }

  /**
   * It ended, well or badly.
   *
   * @param rows - Rows that it returned.
   * @param issued - Asked for its stack when it is a listing: when it returned several rows.
   * @returns When that was, by the clock of `startedAt`.
   */
  end({ scope, group, startedAt, isMerged }: Execution, rows: number, issued: Traceable, failed = false): number {
    const endedAt = this.clock.now()
    const ms = endedAt - startedAt
    this.stats.databaseMs += ms
    if (scope === undefined) return endedAt
    scope.counts.databaseMs += ms
    if (group === undefined) return endedAt
    group.inFlight -= 1
    group.databaseMs += ms
    group.rows += rows
    if (rows > 1 && group.count === 1) {
      if (scope.listings.length === LISTINGS) scope.listings.shift()
      scope.listings.push({ shape: group.shape, stack: issued.stack?.() })
    }
    if (scope.trace !== undefined) {
      if (isMerged) scope.trace.merged(group, startedAt, endedAt)
      else scope.trace.executed(group, startedAt, endedAt, rows, failed)
    }
    return endedAt
  }

  /** Monotonic time in milliseconds. */
  now(): number {
    return this.clock.now()
  }

  /** A statement was sent to the database. */
  statement(scope: Scope | undefined): void {
    this.stats.statements += 1
    if (scope !== undefined) scope.counts.queries += 1
  }

  /** A statement was sent without being parsed. */
  unparsed(): void {
    this.stats.passThrough('statement too long')
  }

  #execution(scope: Scope | undefined, group: ExecutionGroup | undefined, isMerged: boolean): Execution {
    return { scope, group, startedAt: this.clock.now(), isMerged }
  }

  #open(scope: Scope, shape: Shape): ExecutionGroup | undefined {
    if (scope.groups.size >= MAX_GROUPS) return undefined
    const group = { shape, listings: [...scope.listings], count: 0, parallel: 0, inFlight: 0, databaseMs: 0, rows: 0, samples: [] }
    scope.groups.set(shape.fingerprint, group)
    return group
  }
}

function sampleOf(scope: Scope, count: number, issued: Traceable): Sample {
  const isTraced = count <= LAST_STACK && (count > 1 || scope.tracesFirst)
  return { values: issued.values?.(), stack: isTraced ? issued.stack?.() : undefined, writes: scope.writes }
}

import type { Clock } from '../shared/clock.ts'
import type { CallSiteTraces } from './call-site-traces.ts'
import { Execution } from './execution.ts'
import { ExecutionGroup, NO_SAMPLES, type Stack } from './execution-group.ts'
import type { Shape } from './operation.ts'
import type { QueryStats } from './query-stats.ts'
import type { Scope } from './scope.ts'

/** An execution that can provide its stack and its values. */
interface Traceable {
  stack?(): Stack | undefined
  /**
   * Its arguments or bindings, which distinguish it from other executions of its normalized query. Must not
   * change afterwards. `undefined`: unknown.
   */
  values?(): unknown
}

/** Number of executions of a group that are remembered individually. */
const SAMPLES = 64

/**
 * Stacks are captured from the second execution of a group up to this one, which is enough to find its call
 * sites. The first one is only traced if each execution matters.
 */
const LAST_STACK = 10

/**
 * Maximum number of normalized queries that a scope counts individually, so that the list of a long-lived
 * scope is limited.
 */
const MAX_GROUPS = 1000

/** Number of listings that a scope remembers: loops iterate over a recent one. */
const LISTINGS = 8

/** Counts the queries sent to the database, in total and by scope. */
export class Recorder {
  constructor(
    private readonly clock: Clock,
    private readonly stats: QueryStats,
    /** If omitted, no stacks are captured except in scopes with `tracesFirst`. */
    private readonly traces?: CallSiteTraces | undefined,
    /** Called with errors in receivers of the end of an execution. */
    private readonly onError: (error: unknown) => void = () => {},
  ) {}

  /**
   * Whether the stack of an execution that is issued now can be needed. Capture it where it is issued if the
   * execution can start in another place, as batches do.
   */
  mayTrace(scope: Scope | undefined, { fingerprint }: Shape): boolean {
    if (scope === undefined || this.traces === undefined) return false
    // Before the first one is executed, others can be issued.
    const isRepeated = scope.latestIssued === fingerprint
    scope.latestIssued = fingerprint
    const group = scope.groups.get(fingerprint)
    if (group === undefined) return isRepeated || scope.tracesFirst || this.traces.tracesFirst
    return group.count <= LAST_STACK
  }

  /**
   * An execution of a normalized query begins.
   *
   * @param issued - Provides its values, and its stack from the second execution of a group on.
   * @param isTimed - `false`: its statements are timed separately.
   */
  begin(scope: Scope | undefined, shape: Shape, issued: Traceable, isTimed = true): Execution {
    this.stats.executed += 1
    if (scope === undefined || scope.ended)
      return this.#start(undefined, undefined, undefined, isTimed, false)
    if (shape.kind !== 'read') {
      scope.writes += 1
      scope.basis?.spoil('WRITE')
    }
    const group = scope.groups.get(shape.fingerprint) ?? this.#open(scope, shape)
    if (group === undefined) return this.#start(scope, undefined, undefined, isTimed, false)
    const isOverlapping = group.inFlight > 0
    group.inFlight += 1
    if (isOverlapping && shape.mergedByOrm === true)
      return this.#start(scope, group, undefined, isTimed, true)
    group.count += 1
    if (isOverlapping) group.parallel += 1
    if (group.count > SAMPLES) return this.#start(scope, group, undefined, isTimed, false)
    const execution = this.#start(scope, group, issued.values?.(), isTimed, false)
    if (this.#isTraced(scope, group)) execution.stack = issued.stack?.()
    // An array that is created with its first element has no room for 16 more, which most groups do not need.
    // Not a literal, for the reason of `StatementValues`.
    if (group.samples === NO_SAMPLES) group.samples = Array.of(execution)
    else group.samples.push(execution)
    return execution
  }

  /** A statement is sent that is not a separate execution, because an operation is. */
  sent(scope: Scope | undefined): Execution {
    return this.#start(scope?.ended === true ? undefined : scope, undefined, undefined, true, false)
  }

  /**
   * An execution ended, successfully or not. Never throws.
   *
   * @param rows - Number of rows that it returned.
   * @param issued - Provides its stack if it is a listing: if it returned several rows.
   * @returns Its duration in milliseconds.
   */
  end(execution: Execution, rows: number, issued: Traceable, failed = false): number {
    const { scope, group, startedAt, isMerged, isTimed } = execution
    const endedAt = this.clock.now()
    try {
      if (isTimed) {
        if (!isMerged) this.stats.databaseMs += endedAt - startedAt
        scope?.answered(endedAt)
      }
      if (scope !== undefined && group !== undefined)
        this.#ended(execution, scope, group, endedAt, rows, issued, failed)
      execution.watched?.ended(startedAt, endedAt, rows, failed)
      execution.traced?.(rows, failed)
    } catch (error) {
      this.onError(error)
    }
    return endedAt - startedAt
  }

  #ended(
    { startedAt, isMerged }: Execution,
    scope: Scope,
    group: ExecutionGroup,
    endedAt: number,
    rows: number,
    issued: Traceable,
    failed: boolean,
  ): void {
    group.inFlight -= 1
    if (group.inFlight === 0) group.databaseMs += endedAt - group.busySince
    group.rows += rows
    if (rows > 1 && group.count === 1) {
      const { shape } = group
      const isTraced = scope.tracesFirst || this.traces?.isParentDue(shape) === true
      const listing = { shape, stack: isTraced ? issued.stack?.() : undefined }
      scope.listings = [...scope.listings.slice(1 - LISTINGS), listing]
    }
    if (scope.trace === undefined) return
    if (isMerged) scope.trace.merged(group, startedAt, endedAt)
    else scope.trace.executed(group, startedAt, endedAt, rows, failed)
  }

  /** Monotonic time in milliseconds. */
  now(): number {
    return this.clock.now()
  }

  /** A statement was sent to the database. */
  statement(scope: Scope | undefined): void {
    this.stats.statements += 1
    if (scope === undefined) return
    scope.counts.queries += 1
    if (scope.unsent > 0) scope.unsent -= 1
  }

  /** A statement was sent without being parsed. */
  unparsed(): void {
    this.stats.passThrough('STATEMENT_TOO_LONG')
  }

  #start(
    scope: Scope | undefined,
    group: ExecutionGroup | undefined,
    values: unknown,
    isTimed: boolean,
    isMerged: boolean,
  ): Execution {
    const execution = new Execution(scope, group, values, scope?.writes ?? 0, isTimed, isMerged)
    const startedAt = this.clock.now()
    execution.startedAt = startedAt
    if (group?.inFlight === 1) group.busySince = startedAt
    if (isTimed) scope?.sent(startedAt)
    return execution
  }

  #open(scope: Scope, shape: Shape): ExecutionGroup | undefined {
    if (scope.groups.size >= MAX_GROUPS) return undefined
    const group = new ExecutionGroup(shape, scope.listings, scope.tracesFirst)
    scope.groups.set(shape.fingerprint, group)
    return group
  }

  /** Whether the stack of the latest execution of a group is captured. */
  #isTraced(scope: Scope, group: ExecutionGroup): boolean {
    const { count, shape } = group
    if (scope.tracesFirst) return count <= LAST_STACK
    const { traces } = this
    if (traces === undefined || count > LAST_STACK || shape.kind !== 'read') return false
    if (count === 1) return traces.tracesFirst && traces.take(shape)
    if (count === 2) group.isTraced = traces.tracesFirst || traces.isDue(shape)
    if (!group.isTraced && (count !== traces.single || traces.isKnownIn(scope.knownName, shape))) return false
    const isTaken = traces.take(shape)
    if (!isTaken && count === 2) group.isTraced = false
    return isTaken
  }
}

import { setTag, tagsRead, tagsWritten } from '../../cache/coherence/tags.ts'
import type { ExaminedRead } from '../../cache/result-cache.ts'
import type { Gain } from '../../pipeline/gain.ts'
import type { Handler } from '../../pipeline/interceptor.ts'
import { isRefusal, type Operation, tablesRead } from '../../pipeline/operation.ts'
import type { OperationContext, Outcome } from '../../pipeline/operation-context.ts'
import type { Mode, Scope, ScopeStorage } from '../../pipeline/scope.ts'
import type { TraceableStatement, WorkloadTrace } from '../../pipeline/workload-trace.ts'
import type { ForecastLookup } from '../../query/prefetch/loop-forecast.ts'
import type { CatalogRegistry } from '../../schema/catalog-registry.ts'
import { canonicalKey } from '../../shared/canonical.ts'
import type { Clock } from '../../shared/clock.ts'
import type { TracedLoop, TracedOperation, TracedStatement, TraceLine } from '../../yield/trace.ts'
import type { ReadJudge, Verdict } from './read-judge.ts'
import { TraceNames } from './trace-names.ts'

export interface RecorderParts {
  readonly scopes: ScopeStorage
  readonly catalogs: CatalogRegistry
  readonly clock: Clock
  readonly judge: ReadJudge
  /** The mode of operations outside any scope. */
  readonly mode: () => Mode
  readonly variant: (() => string) | undefined
  readonly onError: (error: unknown) => void
  /** Receives each line, also those of names that later lines contain. */
  readonly write: (line: TraceLine) => void
}

/** A read between its sending and its end. */
class OpenRead {
  isEnded = false
  statements = 0

  constructor(
    readonly id: number,
    readonly scope: ScopeReads,
    readonly verdict: Verdict,
    readonly line: Omit<TracedOperation, 'end' | 'cache' | 'batch'>,
  ) {}
}

/** The reads of a scope. */
class ScopeReads {
  inFlight = 0
  /** The read whose result was returned last, and in which iteration of the event loop. */
  last = 0
  lastTick = -1

  constructor(readonly id: number) {}
}

interface OpenTransaction {
  readonly id: number
  readonly at: number
}

/** Records the reads, statements and transactions of an app that is not optimized. */
export class TraceRecorder implements WorkloadTrace {
  readonly names: TraceNames
  readonly startedAt: number
  readonly #startedAt: number
  readonly #scopes = new WeakMap<Scope, ScopeReads>()
  readonly #outside = new ScopeReads(0)
  readonly #transactions = new WeakMap<object, OpenTransaction>()
  readonly #gains = new WeakMap<Gain, number>()
  /** Operations by the query that they would send for a loop. */
  readonly #fetches = new WeakMap<object, number>()
  #lastId = 0
  #lastTransaction = 0
  #lastGain = 0
  #tick = 0
  #isTickEnding = false

  constructor(private readonly parts: RecorderParts) {
    this.names = new TraceNames(parts.write)
    this.startedAt = parts.clock.wall()
    this.#startedAt = parts.clock.now()
  }

  read<TResult>(
    operation: Operation<TResult>,
    context: OperationContext,
    isBypassed: boolean,
    run: Handler,
  ): Promise<TResult> {
    const read = this.#safely(() => this.#begin(operation, context, isBypassed))
    if (read === undefined) return run(operation, context)
    const running = this.parts.scopes.trace(read, () => run(operation, context))
    context.follow(running, (outcome) => this.#safely(() => this.#end(read, operation, context, outcome)))
    return running
  }

  wrote(operation: Operation<unknown>, context: OperationContext, running: Promise<unknown>): void {
    this.#safely(() => {
      if (operation.source.seesStatements || operation.effect === undefined) return
      const effect = operation.effect()
      const at = this.#now()
      this.parts.judge.wrote(context)
      context.follow(running, (outcome) =>
        this.#safely(() => {
          this.parts.judge.wrote(context)
          const query = operation.shape === undefined ? 0 : this.names.operation(operation.shape)
          const isFailed = 'error' in outcome
          this.#write({
            type: 'statement',
            query,
            scope: this.#readsOf(context.scope).id,
            at,
            end: this.#now(),
            ...(isFailed ? { isFailed } : { wrote: this.names.tags(tagsWritten(effect)) }),
          })
        }),
      )
    })
  }

  sends(statement: TraceableStatement): ((rows: number, failed: boolean) => void) | undefined {
    return this.#safely(() => this.#sends(statement))
  }

  began(connection: object): void {
    this.#lastTransaction += 1
    this.#transactions.set(connection, { id: this.#lastTransaction, at: this.#now() })
  }

  ended(connection: object, isRolledBack: boolean): void {
    const open = this.#transactions.get(connection)
    this.#transactions.delete(connection)
    if (open === undefined) return
    const { id, at } = open
    this.#write({
      type: 'transaction',
      id,
      at,
      end: this.#now(),
      ...(isRolledBack ? { isRolledBack } : {}),
      isWhole: true,
    })
  }

  #begin(operation: Operation<unknown>, context: OperationContext, isBypassed: boolean): OpenRead {
    const { judge, variant } = this.parts
    context.variant = variant?.()
    context.gain = operation.gain
    const scope = this.#readsOf(context.scope)
    const isAlone = scope.inFlight === 0 && context.scope?.hasRows !== true
    const mayPass = operation.gain !== undefined && operation.isRaw !== true && !operation.inTransaction
    const verdict = judge.judge(operation, context, isBypassed)
    const { loop } = verdict
    this.#lastId += 1
    scope.inFlight += 1
    const tick = this.#currentTick()
    return new OpenRead(this.#lastId, scope, verdict, {
      type: 'operation',
      id: this.#lastId,
      ...(operation.shape === undefined ? {} : { query: this.names.operation(operation.shape) }),
      scope: scope.id,
      at: this.#now(),
      tick,
      after: scope.lastTick === tick ? scope.last : 0,
      ...(operation.gain === undefined ? {} : { gain: this.#gainOf(operation.gain) }),
      ...(mayPass && (isAlone || context.scope === undefined) ? { isAlone: true } : {}),
      ...(loop === undefined ? {} : { loop: this.#loopOf(this.#lastId, loop) }),
    })
  }

  #end(read: OpenRead, operation: Operation<unknown>, context: OperationContext, outcome: Outcome): void {
    const { verdict, scope, line, id } = read
    const { cache, batch } = verdict
    const end = this.#now()
    read.isEnded = true
    scope.inFlight -= 1
    scope.last = id
    scope.lastTick = this.#currentTick()
    this.parts.judge.ended(verdict, operation, context, outcome)
    const isFailed = 'error' in outcome
    const { names } = this
    this.#write({
      ...line,
      end,
      cache:
        typeof cache === 'string'
          ? names.reason(cache)
          : { key: names.hash(cache.key), tags: names.tags(neededTags(cache, outcome)), ttlMs: cache.ttlMs },
      batch:
        typeof batch === 'string'
          ? names.reason(batch)
          : { group: names.hash(batch.group), maxKeys: batch.lookup.maxKeys },
      ...(isFailed ? { isFailed } : {}),
    })
    if (!operation.source.seesStatements) this.#representStatement(read, operation, end, isFailed)
  }

  /** The operation counts as its statement, if that is not seen. */
  #representStatement(
    { id, line }: OpenRead,
    operation: Operation<unknown> & { values?(): unknown },
    end: number,
    isFailed: boolean,
  ): void {
    const { names } = this
    const { shape } = operation
    const request = operation.cacheRequest?.()
    const values = request === undefined || isRefusal(request) ? operation.values?.() : undefined
    const text = values === undefined ? undefined : canonicalKey(values)
    const key =
      request === undefined || isRefusal(request) ? text && `${shape?.fingerprint}\n${text}` : request.key
    this.#write({
      type: 'statement',
      query: line.query ?? 0,
      operation: id,
      scope: line.scope,
      at: line.at,
      end,
      ...(key === undefined ? {} : { key: names.hash(key) }),
      tags: [...new Set(tablesRead(operation))].map(setTag),
      ...(isFailed ? { isFailed: true } : {}),
    })
  }

  #sends(statement: TraceableStatement): ((rows: number, failed: boolean) => void) | undefined {
    const { ambient, connection, params, planned, isSynchronous } = statement
    const { names } = this
    const { analyzed } = planned
    if (ambient.isShadowing || analyzed.statement.isOwn === true) return undefined
    const effect = statement.effect()
    const scope = ambient.scope?.ended === true ? undefined : ambient.scope
    const isObserved = (scope?.mode ?? this.parts.mode()) === 'observe'
    if (effect !== undefined) this.parts.judge.wrote({ scope })
    else if (!isObserved) return undefined
    const read = ambient.traced instanceof OpenRead && !ambient.traced.isEnded ? ambient.traced : undefined
    const transaction = this.#transactions.get(connection)?.id
    const line: Omit<TracedStatement, 'end'> = {
      type: 'statement',
      query: names.statement(analyzed),
      ...(read === undefined ? {} : { operation: read.id }),
      scope: this.#readsOf(scope).id,
      ...(transaction === undefined ? {} : { transaction }),
      at: this.#now(),
      ...(effect === undefined
        ? this.#keyOf(planned.sql, params)
        : { wrote: names.tags(tagsWritten(effect)) }),
      ...(isSynchronous ? { refused: names.reason('SYNCHRONOUS_CLIENT') } : {}),
    }
    return (rows, failed) =>
      this.#safely(() => {
        if (effect !== undefined) this.parts.judge.wrote({ scope })
        this.#write({
          ...line,
          end: this.#now(),
          ...(effect === undefined ? { tags: names.tags(this.#tagsOf(statement, rows)) } : {}),
          ...(failed ? { isFailed: true } : {}),
        })
      })
  }

  #keyOf(sql: string, params: readonly unknown[]): { readonly key?: string } {
    const key = this.names.keyOf(sql, params)
    return key === undefined ? {} : { key }
  }

  /** The dependencies of a statement's result: by its plan, otherwise by the names of its tables. */
  #tagsOf(
    { planned: { read, analyzed }, sourceId, params }: TraceableStatement,
    rows: number,
  ): readonly string[] {
    if (read.refused === undefined) {
      const { pinnedTable, isPlain, tables } = read
      const pinned = pinnedTable === undefined ? undefined : read.rowsOf(params)
      if (pinnedTable === undefined || pinned === undefined) return tables.map(setTag)
      const { tags, optional } = tagsRead({ tables, rows: new Map([[pinnedTable, pinned.buckets]]) })
      const isComplete = pinned.count === 1 ? rows > 0 : isPlain && rows === pinned.count
      return isComplete ? tags.slice(0, tags.length - optional) : tags
    }
    const catalog = this.parts.catalogs.seenBy(sourceId)
    return analyzed.statement.reads.map((name) => setTag(catalog?.idOf(name) ?? name.join('.')))
  }

  #loopOf(id: number, { fetch, isPrefetched, trail }: ForecastLookup): TracedLoop {
    if (!isPrefetched) this.#fetches.set(fetch, id)
    const { gain } = trail.set
    const found = { fetch: this.#fetches.get(fetch) ?? id }
    return gain === undefined ? found : { ...found, gain: this.#gainOf(gain) }
  }

  #gainOf(gain: Gain): number {
    let id = this.#gains.get(gain)
    if (id === undefined) {
      this.#lastGain += 1
      id = this.#lastGain
      this.#gains.set(gain, id)
    }
    return id
  }

  #readsOf(scope: Scope | undefined): ScopeReads {
    if (scope === undefined || scope.ended) return this.#outside
    let reads = this.#scopes.get(scope)
    if (reads === undefined) {
      reads = new ScopeReads(scope.id)
      this.#scopes.set(scope, reads)
    }
    return reads
  }

  /** Number of the event-loop iteration, in which Node handles the events that it received together. */
  #currentTick(): number {
    if (!this.#isTickEnding) {
      this.#isTickEnding = true
      setImmediate(() => {
        this.#isTickEnding = false
        this.#tick += 1
      }).unref()
    }
    return this.#tick
  }

  #now(): number {
    return Math.round((this.parts.clock.now() - this.#startedAt) * 100) / 100
  }

  #write(line: TraceLine): void {
    this.parts.write(line)
  }

  #safely<T>(run: () => T): T | undefined {
    try {
      return run()
    } catch (error) {
      this.parts.onError(error)
      return undefined
    }
  }
}

/** A result that contains every requested row depends on these rows only. */
function neededTags({ tags, optional, request }: ExaminedRead, outcome: Outcome): readonly string[] {
  if (optional === 0 || 'error' in outcome || request.isComplete?.(outcome.result) !== true) return tags
  return tags.slice(0, tags.length - optional)
}

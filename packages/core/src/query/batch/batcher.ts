import DataLoader from 'dataloader'
import { LRUCache } from 'lru-cache'
import type { Executor } from '../../pipeline/executor.ts'
import type { AnswerListener, Handler, Interceptor } from '../../pipeline/interceptor.ts'
import type { Lookup } from '../../pipeline/lookup.ts'
import { isRefusal, type Operation } from '../../pipeline/operation.ts'
import type { OperationContext } from '../../pipeline/operation-context.ts'
import type { QueryStats } from '../../pipeline/query-stats.ts'
import { asError } from '../../pipeline/rejection.ts'
import type { Scope } from '../../pipeline/scope.ts'
import type { WaitingLookups } from '../../pipeline/waiting-lookups.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import { foldOf, hasText, isComparable } from './key-folds.ts'

/** After this many consecutive batches whose lookups had to run individually, a group is passed through. */
const MAX_FAILURES = 3

/** A lookup, and the group whose lookups it can be batched with. */
export interface Waiter {
  readonly operation: Operation<unknown>
  readonly context: OperationContext
  readonly group: string
  readonly lookup: Lookup<unknown>
}

type Answer = { readonly value: unknown } | { readonly error: unknown }

/**
 * Converts an answer to the form that a loader expects. Results of lookups are rows and counts, never errors.
 */
function loaded(answer: Answer): unknown {
  return 'value' in answer ? answer.value : asError(answer.error)
}

/** The lookups of a group that wait for others. */
interface OpenWindow {
  readonly first: Waiter
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Created with the second lookup. */
  loader: DataLoader<Waiter, unknown> | undefined
  readonly dispatches: (() => void)[]
}

/** By group. */
type OpenWindows = Map<string, OpenWindow>

const BATCHES = Symbol('batches')

export interface BatcherOptions {
  /**
   * Milliseconds that lookups wait for others of their group. Default: `0`, until the end of the event-loop
   * tick.
   */
  readonly windowMs?: number | undefined
  /** Called with every result of a batched query, before its caller gets it. */
  readonly onAnswer?: AnswerListener | undefined
}

/**
 * Batches lookups of one group that are issued in the same event-loop tick of one scope into one query. If a
 * batch cannot determine the result of a lookup for certain, the lookup runs individually, so that each
 * caller gets the result that it would get without Sluice.
 */
export class Batcher {
  readonly #failures = new LRUCache<string, number>({ max: 1000 })

  constructor(
    private readonly executor: Executor,
    private readonly stats: QueryStats,
    private readonly waiting: WaitingLookups,
    private readonly options: BatcherOptions = {},
  ) {}

  readonly interceptor: Interceptor = (operation, context, next) => {
    if (operation.kind !== 'read') {
      // Lookups that were issued before a write are sent before it.
      if (context.scope !== undefined) this.waiting.dispatchIn(context.scope)
      return next(operation, context)
    }
    const waiter = this.examine(operation, context)
    if (waiter === undefined) return next(operation, context)
    if (typeof waiter !== 'string')
      return this.#load(waiter, context.scope as Scope, next) as ReturnType<typeof next<never>>
    this.stats.passThrough(`batch:${waiter}`)
    return next(operation, context)
  }

  /** How a read can be batched, or the reason why it cannot; `undefined`: it is no lookup. */
  examine(operation: Operation<unknown>, context: OperationContext): Waiter | string | undefined {
    if (context.scope === undefined) return operation.lookup === undefined ? undefined : 'NO_SCOPE'
    if (operation.shape?.mergedByOrm === true) return 'BATCHED_BY_ORM'
    const lookup = operation.lookup?.()
    if (lookup === undefined) return undefined
    if (isRefusal(lookup)) return lookup.refused
    const group = context.groupOf(lookup)
    const hasFailed = (this.#failures.get(group) ?? 0) >= MAX_FAILURES
    return hasFailed ? 'GROUP_FAILED_BEFORE' : { operation, context, lookup, group }
  }

  #load(waiter: Waiter, scope: Scope, next: Handler): Promise<unknown> {
    const windows = windowsOf(scope)
    const open = windows.get(waiter.group)
    if (open === undefined) return this.#wait(waiter, scope, windows, next)
    waiter.context.gain?.found()
    if (open.loader === undefined) {
      open.loader = this.#createLoader(open, scope, next)
      open.loader.load(open.first).then(open.resolve, open.reject)
    }
    return open.loader.load(waiter)
  }

  /**
   * Opens a window for the lookup's group. Most lookups remain alone, so the loader is created only when a
   * second one arrives.
   */
  #wait(first: Waiter, scope: Scope, windows: OpenWindows, next: Handler): Promise<unknown> {
    const { group } = first
    const { id } = first.operation.source
    return new Promise((resolve, reject) => {
      const open: OpenWindow = { first, resolve, reject, loader: undefined, dispatches: [] }
      const close = () => {
        if (!this.waiting.remove(scope, id, close)) return
        windows.delete(group)
        if (open.loader === undefined) {
          try {
            next(first.operation, first.context).then(resolve, reject)
          } catch (error) {
            reject(error)
          }
        } else for (const dispatch of open.dispatches) dispatch()
      }
      windows.set(group, open)
      this.waiting.add(scope, id, close)
      const { windowMs = 0 } = this.options
      // ORMs start a query when it is awaited, in a promise job. Node calls `end` when all of these jobs are
      // done.
      const { timer } = scope
      const end = timer === undefined ? close : () => timer.inside(close)
      if (windowMs === 0) process.nextTick(end)
      else setLongTimeout(end, windowMs)
    })
  }

  #createLoader(open: OpenWindow, scope: Scope, next: Handler): DataLoader<Waiter, unknown> {
    return new DataLoader<Waiter, unknown>((waiters) => this.#answer(waiters, scope, next), {
      cache: false,
      maxBatchSize: open.first.lookup.maxKeys,
      batchScheduleFn: (dispatch) => void open.dispatches.push(dispatch),
    })
  }

  #answer(waiters: readonly Waiter[], scope: Scope, next: Handler): Promise<unknown[]> {
    const [alone] = waiters
    if (alone === undefined || waiters.length > 1) return this.#answerAll(waiters, scope, next)
    return next(alone.operation, alone.context).then(
      (value) => [value],
      (error: unknown) => [asError(error)],
    )
  }

  async #answerAll(waiters: readonly Waiter[], scope: Scope, next: Handler): Promise<unknown[]> {
    const byKey = new Map<string, Waiter[]>()
    const changed: Waiter[] = []
    for (const waiter of waiters) {
      if (waiter.lookup.isUnchanged?.() === false) {
        changed.push(waiter)
        continue
      }
      const { text } = waiter.lookup.key
      const same = byKey.get(text)
      if (same === undefined) byKey.set(text, [waiter])
      else same.push(waiter)
    }
    const startedAt = scope.trace === undefined ? 0 : this.executor.now()
    const leaders = [...byKey.values()].flatMap((same) => same.slice(0, 1))
    const merged = await this.#queryTogether(leaders, scope)
    const answers = new Map<Waiter, Answer>()
    const answerGroup = async (same: readonly Waiter[]): Promise<void> => {
      const [leader, ...others] = same
      if (leader === undefined) return
      const { text } = leader.lookup.key
      const isMerged = merged?.has(text) === true
      const found = isMerged
        ? { value: merged.get(text) }
        : await settle(next(leader.operation, leader.context))
      if (isMerged) this.options.onAnswer?.(leader.operation, merged.get(text), leader.context)
      answers.set(leader, found)
      for (const other of others) {
        // The failure may concern only the leader, so each of the others runs individually. So does each if
        // the result cannot be copied.
        const copy = 'error' in found ? undefined : other.lookup.copy(found.value)
        const own = copy ?? (await settle(next(other.operation, other.context)))
        if (copy !== undefined) {
          this.#countMerged(other.operation, scope, 1, startedAt)
          if ('value' in own) this.options.onAnswer?.(other.operation, own.value, other.context)
        }
        answers.set(other, own)
      }
    }
    const answerAlone = async (waiter: Waiter) =>
      void answers.set(waiter, await settle(next(waiter.operation, waiter.context)))
    await Promise.all([...[...byKey.values()].map(answerGroup), ...changed.map(answerAlone)])
    return waiters.map((waiter) =>
      loaded(answers.get(waiter) ?? { error: new Error('A lookup has no result in its batch.') }),
    )
  }

  /** Runs one query for all keys that are safe to batch; `undefined` if it was not sent or failed. */
  async #queryTogether(
    leaders: readonly Waiter[],
    scope: Scope,
  ): Promise<ReadonlyMap<string, unknown> | undefined> {
    const together = distinguishable(leaders)
    const [first] = together
    if (first === undefined || together.length < 2) return undefined
    const { group } = first
    const startedAt = scope.trace === undefined ? 0 : this.executor.now()
    try {
      const keys = together.map(({ lookup }) => lookup.key)
      const merged = await this.executor.runAs(first.operation, first.context, () =>
        first.lookup.runMany(keys, undefined, first.context.demand),
      )
      const answered = merged?.size ?? 0
      this.stats.batches += 1
      this.stats.replayed += together.length - answered
      if (answered === 0) this.#failures.set(group, (this.#failures.get(group) ?? 0) + 1)
      else {
        this.#failures.delete(group)
        this.#countMerged(first.operation, scope, answered - 1, startedAt)
      }
      return merged
    } catch {
      // The caller with the invalid key gets the error from its own query.
      this.stats.replayed += together.length
      this.#failures.set(group, (this.#failures.get(group) ?? 0) + 1)
      return undefined
    }
  }

  #countMerged(operation: Operation<unknown>, scope: Scope, lookups: number, startedAt: number): void {
    this.stats.batched += lookups
    scope.counts.batched += lookups
    if (lookups > 0) scope.trace?.saved(operation, 'batch', lookups, startedAt)
  }
}

function windowsOf(scope: Scope): OpenWindows {
  const known = scope.stateOf(BATCHES) as OpenWindows | undefined
  if (known !== undefined) return known
  const windows: OpenWindows = new Map()
  scope.setState(BATCHES, windows)
  return windows
}

async function settle(promise: Promise<unknown>): Promise<Answer> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error }
  }
}

/**
 * Returns the waiters whose keys no collation treats as equal. If a database could confuse two keys, each of
 * them runs individually.
 */
function distinguishable(waiters: readonly Waiter[]): readonly Waiter[] {
  if (!waiters.some(({ lookup }) => hasText(lookup.key))) return waiters
  const byFold = new Map<string, Waiter[]>()
  for (const waiter of waiters) {
    const fold = foldOf(waiter.lookup.key)
    byFold.set(fold, [...(byFold.get(fold) ?? []), waiter])
  }
  return [...byFold.values()].flatMap((sameFold) => {
    const [only] = sameFold
    if (only === undefined || sameFold.length > 1) return []
    return isComparable(only.lookup.key, only.operation.source.dialect) ? [only] : []
  })
}

import type { ReadNote } from './explanation.ts'
import type { Gain } from './gain.ts'
import type { Lookup, ReadRequirements } from './lookup.ts'
import type { RunContext } from './operation.ts'
import type { Scope } from './scope.ts'
import type { PrefetchState } from './writes.ts'

/** How an operation ended: its result, or the error of the database. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown }

/**
 * When, and under which state of its tables, the result of an operation that was issued later was fetched.
 */
export interface Prefetched {
  /** The monotonic time at which the database was queried, in milliseconds. */
  readonly at: number
  /** The state of its tables then, if other processes write, too. */
  readonly state: PrefetchState | undefined
}

/** The position of a result's rows among those of its group. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/**
 * One operation on its way: created when it is issued, passed along its chain, and updated by each step that
 * handles it.
 */
export class OperationContext implements RunContext {
  /** Whether its result may be cached. */
  mayBeCached = false
  /**
   * Whether its caller needs the current contents of the database: no prefetched row may be returned for it.
   */
  isFresh = false
  /** Set if a prefetched row was returned for it. */
  prefetched: Prefetched | undefined = undefined
  /** The positions of the rows of its result, if its scope remembers them. */
  rows: RowRange | undefined = undefined
  /**
   * The result of the `context` option where it was issued: results of different variants are never shared.
   */
  variant: string | undefined = undefined
  /** Its explanation; `undefined` if none was requested. */
  note: ReadNote | undefined = undefined
  /** Records whether processing it had a benefit. */
  gain: Gain | undefined = undefined
  /** For writes; `undefined`: not sent. */
  outcome: Outcome | 'pending' | undefined = undefined
  /** The promise of its last run. A chain that returns it added nothing to it. */
  running: Promise<unknown> | undefined = undefined
  /** In shadow mode, the name of the last step that it reached, which returned its result. */
  step: string | undefined = undefined
  /** Called when it has ended. Most operations have none. */
  followers: ((outcome: Outcome) => void)[] | undefined = undefined

  #isUnderWay = false

  constructor(
    /** The open scope that it belongs to. */
    readonly scope: Scope | undefined,
    /** The demand where it was issued. */
    readonly demand: ReadRequirements | undefined,
    /**
     * Whether shadow mode runs it in addition to the caller's run: it counts to no scope, and detection
     * ignores it.
     */
    readonly isShadow: boolean = false,
  ) {}

  /** It is a read that other reads can be batched with, until it ends. */
  begin(): void {
    if (this.scope === undefined) return
    this.#isUnderWay = true
    this.scope.reads += 1
  }

  /** It has ended, successfully or not. A second call has no effect. */
  end(): void {
    if (!this.#isUnderWay || this.scope === undefined) return
    this.#isUnderWay = false
    this.scope.reads -= 1
  }

  /**
   * Calls `ended` when the operation has ended, before its caller is notified. Does not add a reaction to the
   * promise that the caller gets: V8 would cut the stacks of errors there.
   *
   * @param running - The promise that the next step returned.
   */
  follow<T>(running: Promise<T>, ended: (outcome: Outcome) => void): void {
    if (running === this.running) {
      this.followers ??= []
      this.followers.push(ended)
    } else
      running.then(
        (result) => ended({ result }),
        (error: unknown) => ended({ error }),
      )
  }

  get route(): ReadRequirements | undefined {
    return this.demand ?? (this.mayBeCached ? 'kept' : undefined)
  }

  /**
   * The group whose lookups can share a query: those of one group and one variant. Lookups that must go to
   * the primary share a query only with each other.
   */
  groupOf({ group }: Lookup<unknown>): string {
    const { variant, demand } = this
    const place = demand === 'primary' ? demand : ''
    return variant === undefined && place === '' ? group : `${group}\n${place}\n${variant ?? ''}`
  }

  /** For the run that shadow mode compares with this one. */
  shadow(): OperationContext {
    const shadow = new OperationContext(this.scope, this.demand, true)
    shadow.variant = this.variant
    shadow.note = this.note
    return shadow
  }

  /** For a run in the background, after which a cached result is replaced. It belongs to no scope. */
  detached(): OperationContext {
    const detached = new OperationContext(undefined, this.demand, this.isShadow)
    detached.mayBeCached = true
    return detached
  }
}

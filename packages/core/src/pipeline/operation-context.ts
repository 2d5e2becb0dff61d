import type { ReadNote } from './explanation.ts'
import type { Gain } from './gain.ts'
import type { Lookup, ReadDemand } from './lookup.ts'
import type { RunContext } from './operation.ts'
import type { Scope } from './scope.ts'
import type { StateAhead } from './writes.ts'

/** How a write ended: its result, or the error of the database. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** When and under what state a result was fetched that answered an operation issued later. */
export interface Prefetched {
  /** The monotonic time at which the database was queried, in milliseconds. */
  readonly at: number
  /** The state of its tables then, where other processes write, too. */
  readonly state: StateAhead | undefined
}

/** The position of a result's rows among those of its group. */
export interface RowRange {
  readonly from: number
  readonly to: number
}

/** One operation on its way: created when it is issued, passed along its chain, and updated by each step that handles it. */
export class OperationContext implements RunContext {
  /** Whether its result may be cached. */
  mayBeCached = false
  /** Whether its caller wants what the database contains now: no prefetched row may answer it. */
  isFresh = false
  /** Set where a prefetched row answered it. */
  prefetched: Prefetched | undefined = undefined
  /** Where the rows of its result are, if its scope remembers them. */
  rows: RowRange | undefined = undefined
  /** What the `context` option returned where it was issued: results of different variants are never shared. */
  variant: string | undefined = undefined
  /** Its explanation; `undefined`: nobody asked for one. */
  note: ReadNote | undefined = undefined
  /** Told of what looking at it brings. */
  gain: Gain | undefined = undefined
  /** For writes; `undefined`: not sent. */
  outcome: Outcome | 'pending' | undefined = undefined
  /** The promise of its last run. A chain that returns it added nothing to it. */
  running: Promise<unknown> | undefined = undefined
  /** In shadow mode, the name of the last step that it reached: the one that answered it. */
  step: string | undefined = undefined

  #isUnderWay = false

  constructor(
    /** The open scope that it belongs to. */
    readonly scope: Scope | undefined,
    /** What was demanded where it was issued. */
    readonly demand: ReadDemand | undefined,
    /** Whether shadow mode runs it in addition to the caller's run: it counts to no scope, and detection ignores it. */
    readonly isShadow: boolean = false,
  ) {}

  /** It is a read that others may be merged with, until it ends. */
  begin(): void {
    if (this.scope === undefined) return
    this.#isUnderWay = true
    this.scope.reads += 1
  }

  /** It has ended, well or badly. A second call does nothing. */
  end(): void {
    if (!this.#isUnderWay || this.scope === undefined) return
    this.#isUnderWay = false
    this.scope.reads -= 1
  }

  get route(): ReadDemand | undefined {
    return this.demand ?? (this.mayBeCached ? 'kept' : undefined)
  }

  /** Which lookups may share a query: those of one group and one variant. Those that must go to the primary share theirs with no others. */
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

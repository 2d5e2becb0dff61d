import type { Clock } from '../shared/clock.ts'
import type { Shape } from './operation.ts'
import { StackBudget } from './stack-budget.ts'

/** Stacks that may be captured per second. Each costs 30 to 60 µs, with the one that is read. */
const PER_SECOND = 25
/** Stacks that are reserved for shapes whose call site is not known yet. */
const RESERVED = 200

/** Scopes that must find one and the same call site before it is trusted. */
const CONFIRMATIONS = 3
/** Scopes whose stacks led to no finding before fewer are captured. */
const MAX_FRUITLESS = 8
/** Milliseconds between checks of a trusted call site, or of a shape without findings. */
const RECHECK_MS = 1_000

/** Names of scopes that are remembered for each shape. */
const MAX_NAMES = 32

/** A trusted shape is traced at this execution of a scope, or at the threshold if that is lower. */
const SINGLE = 5

/** The call site of one shape, or of one parent query, as far as it is known. */
interface Known {
  place: string | undefined
  confirmations: number
  fruitless: number
  tracedAt: number
  /** Names of scopes in which the call site was found. Created with the first one. */
  names: Set<string> | undefined
}

/**
 * Decides for which executions detection captures a stack. A stack costs up to 20% of a query, and a route
 * issues the same queries from the same call site in each request: a confirmed call site is only checked once
 * per second. A {@link StackBudget} limits all captures.
 */
export class CallSiteTraces {
  /** The execution of a scope that is traced if the shape is trusted. */
  readonly single: number
  /**
   * Whether first executions are traced, too: with a threshold of 2, each of the two executions must come
   * from the same call site.
   */
  readonly tracesFirst: boolean
  readonly #shapes = new WeakMap<Shape, Known>()
  readonly #parents = new WeakMap<Shape, Known>()
  readonly #budget: StackBudget

  /**
   * @param threshold - Executions from which on a loop is reported.
   * @param isLimited - `false` captures every stack: tests must not miss a finding.
   */
  constructor(
    private readonly clock: Clock,
    threshold: number,
    private readonly isLimited: boolean,
  ) {
    this.single = Math.max(2, Math.min(SINGLE, threshold))
    this.tracesFirst = !isLimited || this.single === 2
    this.#budget = new StackBudget(clock, PER_SECOND)
  }

  /** Whether the next executions of a scope must be traced. */
  isDue(shape: Shape): boolean {
    return this.#isDue(knownOf(this.#shapes, shape))
  }

  /** Whether a query that returned several rows must be traced: it can be the parent of a loop. */
  isParentDue(shape: Shape): boolean {
    return this.#isDue(knownOf(this.#parents, shape)) && this.take(shape)
  }

  /** Takes a token for a stack; returns `false` if none is left. */
  take(shape: Shape): boolean {
    if (!this.isLimited) return true
    const isTrusted = (this.#shapes.get(shape)?.confirmations ?? 0) >= CONFIRMATIONS
    return this.#budget.take(isTrusted ? RESERVED : 0)
  }

  /**
   * Whether the call site of a trusted shape is known in scopes of this name, so that only the check of each
   * second needs a stack.
   */
  isKnownIn(name: string | undefined, shape: Shape): boolean {
    return name !== undefined && this.isLimited && this.#shapes.get(shape)?.names?.has(name) === true
  }

  /**
   * A scope found something.
   *
   * @param name - The name of the scope.
   * @param place - The only call site that it found; `undefined`: several, or none.
   */
  found(shape: Shape, name: string, place: string | undefined): void {
    const known = knownOf(this.#shapes, shape)
    confirm(known, place)
    known.names ??= new Set()
    if (known.names.size >= MAX_NAMES) known.names.clear()
    known.names.add(name)
  }

  /** A parent query was found at this call site. */
  foundParent(shape: Shape, place: string): void {
    confirm(knownOf(this.#parents, shape), place)
  }

  /** The normalized query was found in a scope with a new name, for which its call site is unknown. */
  doubt(shape: Shape): void {
    this.#shapes.delete(shape)
  }

  /** The same for a parent query. */
  doubtParent(shape: Shape): void {
    this.#parents.delete(shape)
  }

  #isDue(known: Known): boolean {
    if (!this.isLimited) return true
    const now = this.clock.now()
    const isSettled = known.confirmations >= CONFIRMATIONS || known.fruitless >= MAX_FRUITLESS
    if (isSettled && now - known.tracedAt < RECHECK_MS) return false
    known.tracedAt = now
    known.fruitless += 1
    return true
  }
}

function knownOf(all: WeakMap<Shape, Known>, shape: Shape): Known {
  let known = all.get(shape)
  if (known === undefined) {
    known = {
      place: undefined,
      confirmations: 0,
      fruitless: 0,
      tracedAt: Number.NEGATIVE_INFINITY,
      names: undefined,
    }
    all.set(shape, known)
  }
  return known
}

function confirm(known: Known, place: string | undefined): void {
  known.fruitless = 0
  known.confirmations =
    place !== undefined && (known.place === undefined || known.place === place) ? known.confirmations + 1 : 0
  known.place = place
}

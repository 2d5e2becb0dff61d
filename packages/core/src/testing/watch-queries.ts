import type { Scope } from '../pipeline/scope.ts'
import type { Finding } from '../query/detect/finding.ts'
import { NPlusOneError } from '../query/detect/format-finding.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import { isInstance } from '../shared/thrown.ts'
import type { ScopeHandle } from '../sluice/scopes.ts'
import { openDefault } from '../sluice/shared-default.ts'
import { openSluices, type Sluice } from '../sluice/sluice.ts'
import { hostOf } from '../sluice/sluice-host.ts'

export interface WatchOptions {
  /**
   * The Sluice whose queries count.
   * @defaultValue all open ones of the process
   */
  readonly sluice?: Sluice
  /**
   * Counts every query that the Sluice sees meanwhile, wherever it comes from: for requests to a server in
   * the same process, which lose track of who sent them. Tests that run at the same time disturb each other
   * then.
   * @defaultValue false
   */
  readonly everything?: boolean
}

/** The queries of a function. */
export interface Watched<T> {
  readonly result: T
  readonly queries: number
  /** The scope around the function, and those that were opened inside. */
  readonly scopes: readonly Scope[]
  readonly findings: readonly Finding[]
  /** The error of the function's scope, if `detection.mode` is `throw`. */
  readonly failure: NPlusOneError | undefined
}

/** @throws InvalidArgumentError, InvalidOptionError for an invalid function or option. */
export function checkWatch(fn: unknown, options: WatchOptions): void {
  if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
  checkOptions(options, { sluice: option.object, everything: option.boolean })
}

/**
 * Runs a function in a new scope of each Sluice, and records its queries, and those of scopes that are opened
 * inside.
 */
export async function watchQueries<T>(
  fn: () => T | PromiseLike<T>,
  { sluice, everything = false }: WatchOptions,
): Promise<Watched<T>> {
  const watches = watchedSluices(sluice).map((one) => new Watch(one, everything))
  let result: T
  try {
    result = await watches.reduce<() => Promise<T>>(
      (run, watch) => () => watch.enter(run),
      async () => await fn(),
    )()
  } finally {
    for (const watch of watches) watch.end()
  }
  // Checked afterwards, because the function may create its client.
  if (!watches.some(({ hasClient }) => hasClient))
    throw new SluiceError(
      'SLUICE_NO_CLIENT',
      'No query was counted, because no client is attached to the Sluice. Expected an instrumented client. Pass your client to withSluice() with this Sluice.',
    )
  return {
    result,
    queries: sum(watches.map(({ queries }) => queries)),
    scopes: watches.flatMap(({ watched }) => [...watched]),
    findings: watches.flatMap((watch) => watch.findings()),
    failure: watches.find(({ failure }) => failure !== undefined)?.failure,
  }
}

/**
 * @throws InvalidArgumentError if there is none, SluiceError `SLUICE_CLOSED` if it is closed: no query
 *   of the function would be counted.
 */
export function watchedSluices(requested: Sluice | undefined): readonly Sluice[] {
  if (requested?.isClosed === true)
    throw new SluiceError(
      'SLUICE_CLOSED',
      'The Sluice is closed and counts no queries. Pass an open Sluice, or close it after the test.',
    )
  if (requested !== undefined) return [requested]
  const shared = openDefault()?.sluice
  const sluices = new Set([...(shared === undefined ? [] : [shared]), ...openSluices.list()])
  if (sluices.size === 0)
    throw new InvalidArgumentError('sluice', 'a Sluice, because none is open in this process', requested)
  return [...sluices]
}

/** The scopes and queries of one Sluice during a function. */
class Watch {
  readonly watched = new Set<Scope>()
  queries = 0
  failure: NPlusOneError | undefined
  readonly #handle: ScopeHandle
  readonly #stop: () => void
  readonly #before: number

  constructor(
    private readonly sluice: Sluice,
    private readonly everything: boolean,
  ) {
    const { scopes, stats } = hostOf(sluice)
    this.#handle = sluice.openScope('test')
    const around = this.#handle.enter(() => scopes.current())
    if (around !== undefined) this.#add(around)
    this.#stop = scopes.watch((scope, parent) => {
      if (everything || (parent !== undefined && this.watched.has(parent))) this.#add(scope)
    })
    this.#before = stats.statements
  }

  enter<T>(fn: () => T): T {
    return this.#handle.enter(fn)
  }

  end(): void {
    this.#stop()
    this.queries = this.everything
      ? hostOf(this.sluice).stats.statements - this.#before
      : sum([...this.watched].map(({ counts }) => counts.queries))
    this.failure = failureOf(() => this.#handle.end())
  }

  get hasClient(): boolean {
    return hostOf(this.sluice).hasClient
  }

  findings(): readonly Finding[] {
    const { findingsSoFar } = hostOf(this.sluice)
    return [...this.watched].flatMap((scope) => findingsSoFar(scope) ?? [])
  }

  #add(scope: Scope): void {
    scope.tracesFirst = true
    this.watched.add(scope)
  }
}

function failureOf(end: () => unknown): NPlusOneError | undefined {
  try {
    end()
    return undefined
  } catch (error) {
    if (isInstance(error, NPlusOneError)) return error
    throw error
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

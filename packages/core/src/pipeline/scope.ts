import { AsyncLocalStorage } from 'node:async_hooks'
import type { Shape } from './operation.ts'

export type Mode = 'observe' | 'shadow' | 'optimize'

/** The executions of one shape within a scope. */
export interface ExecutionGroup {
  readonly shape: Shape
  /** The listings before its first execution, the newest last. */
  readonly listings: readonly Listing[]
  count: number
  /** Executions that began while another of the group was under way. */
  parallel: number
  inFlight: number
  databaseMs: number
  rows: number
  /** Stacks of some executions, from the second one on. */
  readonly stacks: { readonly stack?: string | undefined }[]
}

/** A query that returned several rows: what loops usually walk along. */
export interface Listing {
  readonly shape: Shape
  readonly stack: { readonly stack?: string | undefined } | undefined
}

export interface ScopeCounts {
  /** Operations of the ORM. */
  operations: number
  /** What reached the database: statements where they are seen, otherwise operations. */
  queries: number
  /** Lookups that were answered by another's query. */
  merged: number
  /** Operations answered from the cache. */
  answered: number
  databaseMs: number
}

let lastId = 0

/** One request, job or other unit of work: what may be shared within it, and never across. */
export class Scope {
  readonly id: number
  readonly counts: ScopeCounts = { operations: 0, queries: 0, merged: 0, answered: 0, databaseMs: 0 }
  readonly groups: Map<string, ExecutionGroup> = new Map()
  /** State that interceptors keep for this scope, each under a symbol of its own. */
  readonly state: Map<symbol, unknown> = new Map()
  /** The newest listings, the newest last. */
  readonly listings: Listing[] = []
  ended = false

  constructor(
    /** What people call it: `GET /cities/:id`. May be set until the scope ends. */
    public name: string,
    readonly mode: Mode,
    readonly startedAt: number,
  ) {
    lastId += 1
    this.id = lastId
  }
}

/** Scopes of one Sluice, carried along asynchronous calls. */
export class ScopeStorage {
  readonly #storage = new AsyncLocalStorage<Scope>()

  current(): Scope | undefined {
    return this.#storage.getStore()
  }

  /** Runs a function in a scope; what it awaits belongs to the scope too. */
  enter<T>(scope: Scope, fn: () => T): T {
    return this.#storage.run(scope, fn)
  }
}

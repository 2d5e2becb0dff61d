/**
 * How far the order of a result's rows is determined. `doubtful`: the database decides which of the tied rows
 * are first.
 */
export type Order = 'total' | 'none' | 'doubtful'

/** One call of a Prisma client; without a model, one of its raw methods, whose arguments are a list. */
export interface PrismaCall {
  readonly orm: 'prisma'
  readonly model?: string
  readonly action: string
  readonly args: unknown
  /** The relation of a fluent call: `findUnique(…).posts(…)`. */
  readonly fluent?: { readonly field: string; readonly args?: unknown }
  readonly order: Order
}

/** Calls of the methods of a builder, with the names that Knex gives them. */
export type Chain = readonly (readonly [method: string, ...args: unknown[]])[]

/** The ORMs whose queries are built by calls of methods. */
export type BuilderOrm = 'knex' | 'kysely' | 'drizzle'

/** One query of a builder, as the calls that create it with Knex; without a table, `knex.raw(…)`. */
export interface BuilderCall {
  readonly orm: BuilderOrm
  readonly table?: string
  readonly chain: Chain
  readonly order: Order
  /** The result is a count by the driver of something else, and not compared. */
  readonly isVague?: boolean
}

export interface KnexCall extends BuilderCall {
  readonly orm: 'knex'
}

export type Call = PrismaCall | BuilderCall

/** The ORMs in which programs are generated. Calls of Knex can then be written in other builders. */
export type GeneratedOrm = 'prisma' | 'knex'

/** One call for each key; the values of the key replace the holes in the call. */
export interface Loop {
  readonly call: Call
  /** The keys, or the listing whose rows contain them. Composite keys are lists. */
  readonly keys: readonly unknown[] | { readonly listing: Call; readonly field: string }
}

/** The loops' calls, concurrently or sequentially. */
export interface Reads {
  readonly kind: 'reads'
  readonly isParallel: boolean
  readonly loops: readonly Loop[]
  /** How often the block is run. */
  readonly times: number
}

/** A lookup for a row of a listing, and the lookups for the rows that it finds. */
export interface Hop {
  readonly call: Call
  /** The row's fields (Knex: columns) that form the key. */
  readonly fields: readonly string[]
  /** How often it runs for one row. */
  readonly times: number
  /** Whether it also runs for rows without a key. */
  readonly asksNull: boolean
  readonly next: readonly Hop[]
}

/** A loop over the rows of a listing, several levels deep, as written by an app without `include`. */
export interface Walk {
  readonly kind: 'walk'
  readonly listing: Call
  readonly hops: readonly Hop[]
  /** Whether the rows of the listing are processed concurrently or sequentially. */
  readonly isParallel: boolean
  readonly direction: 'as listed' | 'backwards' | 'shuffled'
  /** Every n-th row is skipped; 0: none. */
  readonly skips: number
  /** Number of rows after which the loop breaks. */
  readonly stopsAfter: number
  /** How often the whole loop runs. */
  readonly times: number
  /** Steps between two rows, in the same scope or in a separate one. */
  readonly interruptions: readonly Interruption[]
}

export interface Interruption {
  readonly afterRow: number
  readonly isElsewhere: boolean
  /** Whether the next row does not wait for it. The results for that row are undetermined. */
  readonly overlaps: boolean
  readonly step: Write | TransactionStep | Reads | PastWrite
}

/** A write that bypasses Sluice, and how Sluice learns of it, if at all. */
export interface PastWrite {
  readonly kind: 'past'
  readonly call: KnexCall
  /**
   * The process sends an HTTP request after it; more time passes than the lifetime of a result; or Sluice
   * does not learn of it.
   */
  readonly told: 'by a request' | 'by age' | 'not'
}

export interface Write {
  readonly kind: 'write'
  readonly call: Call
}

/** A transaction's calls use its ORM; calls outside it modify no table that it writes to, or only read. */
export interface TransactionStep {
  readonly kind: 'transaction'
  readonly orm: Call['orm']
  readonly steps: readonly InnerStep[]
  readonly ends: 'commit' | 'rollback'
}

/** A change of the schema. It is undone when the program ends. */
export interface DefinitionStep {
  readonly kind: 'definition'
  readonly call: Call
  readonly undo: string
  /** Whether the program continues only when Sluice knows the new schema. */
  readonly isAwaited: boolean
  /** Sequential reads while it is in progress: their results are undetermined. */
  readonly beside?: Reads
}

/** Calls on a connection with a different meaning of names. */
export interface SessionStep {
  readonly kind: 'session'
  readonly enter: string
  readonly calls: readonly KnexCall[]
  readonly leave: string
  readonly ends: 'commit' | 'rollback'
}

export type InnerStep =
  | Reads
  | Walk
  | Write
  | TransactionStep
  | DefinitionStep
  | { readonly kind: 'outside'; readonly steps: readonly (Reads | Write)[] }
  /** Concurrent reads in the transaction and outside it. */
  | { readonly kind: 'beside'; readonly inside: Reads; readonly outside: Reads }

export type Step =
  | Reads
  | Walk
  | Write
  | TransactionStep
  | SessionStep
  | DefinitionStep
  /** Prisma's `$transaction([…])`. */
  | { readonly kind: 'batch'; readonly calls: readonly PrismaCall[] }
  /**
   * A loop in a separate scope, and again over the same rows after a write that bypasses Sluice: a repeated
   * query must return fresh rows.
   */
  | { readonly kind: 'poll'; readonly walk: Walk; readonly between: PastWrite }
  /** A loop in a separate scope that queries the listing's own rows, during writes that bypass Sluice. */
  | { readonly kind: 'refetch'; readonly walk: Walk }
  /** All parts concurrently, each in a separate scope or all in this one. They change nothing. */
  | { readonly kind: 'scopes'; readonly parts: readonly (Reads | Walk)[]; readonly isShared: boolean }
  /**
   * Reads while a write is in flight: their results are undetermined, but not those of reads after it has
   * ended.
   */
  | { readonly kind: 'race'; readonly reads: Reads; readonly write: Call }

export interface Program {
  readonly isScoped: boolean
  readonly steps: readonly Step[]
}

/** A placeholder in a call's arguments for one of the key's values. */
interface Hole {
  readonly $key: number
}

export function hole(at = 0): Hole {
  return { $key: at }
}

/** The arguments with the key's values in their holes. */
export function fill(args: unknown, key: unknown): unknown {
  if (Array.isArray(args)) return args.map((item) => fill(item, key))
  if (typeof args !== 'object' || args === null || Object.getPrototypeOf(args) !== Object.prototype)
    return args
  if ('$key' in args) return Array.isArray(key) ? key[args.$key as number] : key
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, fill(value, key)]))
}

/** Whether a program changes anything. */
export function isWriting({ steps }: Program): boolean {
  return steps.some((step) => {
    if (step.kind === 'walk') return step.interruptions.some(({ step: inner }) => inner.kind !== 'reads')
    return step.kind !== 'reads' && step.kind !== 'scopes'
  })
}

/** How far the order of a result's rows is determined. `doubtful`: which row comes first is the database's choice. */
export type Order = 'total' | 'none' | 'doubtful'

/** One call of a Prisma client; without a model, one of its raw methods, whose arguments are a list. */
export interface PrismaCall {
  readonly orm: 'prisma'
  readonly model?: string
  readonly action: string
  readonly args: unknown
  /** The relation that is asked for next: `findUnique(…).posts(…)`. */
  readonly fluent?: { readonly field: string; readonly args?: unknown }
  readonly order: Order
}

/** One builder of Knex, as the calls that make it; without a table, `knex.raw(…)`. */
export interface KnexCall {
  readonly orm: 'knex'
  readonly table?: string
  readonly chain: readonly (readonly [method: string, ...args: unknown[]])[]
  readonly order: Order
  /** The result is the driver's count of something else, and not compared. */
  readonly isVague?: boolean
}

export type Call = PrismaCall | KnexCall

/** One call for each key; holes in the call take the key's values. */
export interface Loop {
  readonly call: Call
  /** The keys, or the listing whose rows have them. Composite keys are lists. */
  readonly keys: readonly unknown[] | { readonly listing: Call; readonly field: string }
}

/** The loops' calls, all at once or one after the other. */
export interface Reads {
  readonly kind: 'reads'
  readonly isParallel: boolean
  readonly loops: readonly Loop[]
  /** How often the block is run. */
  readonly times: number
}

/** A lookup for a row of a listing, and what is looked up for the rows that it finds. */
export interface Hop {
  readonly call: Call
  /** The row's fields (Knex: columns) that make up the key. */
  readonly fields: readonly string[]
  /** How often it is asked for one row. */
  readonly times: number
  /** Whether it is asked for rows without a key, too. */
  readonly asksNull: boolean
  readonly next: readonly Hop[]
}

/** A loop over the rows of a listing, several levels deep: what an app does that knows no `include`. */
export interface Walk {
  readonly kind: 'walk'
  readonly listing: Call
  readonly hops: readonly Hop[]
  /** The rows of the listing one after the other, or all at once. */
  readonly isParallel: boolean
  readonly direction: 'as listed' | 'backwards' | 'shuffled'
  /** Every n-th row is left out; 0: none. */
  readonly skips: number
  /** Rows after which the loop breaks. */
  readonly stopsAfter: number
  /** How often it is all done. */
  readonly times: number
  /** What happens between two rows, in the same scope or in one of its own. */
  readonly interruptions: readonly Interruption[]
}

export interface Interruption {
  readonly afterRow: number
  readonly isElsewhere: boolean
  /** Whether the next row does not wait for it. What that row finds is open. */
  readonly overlaps: boolean
  readonly step: Write | TransactionStep | Reads | PastWrite
}

/** A write of somebody whom Sluice does not see, and what it may know of it: how it got to hear of it, if at all. */
export interface PastWrite {
  readonly kind: 'past'
  readonly call: KnexCall
  /** The process sends an HTTP request after it; more time goes by than an answer is kept; or there is nothing to know it by. */
  readonly told: 'by a request' | 'by age' | 'not'
}

export interface Write {
  readonly kind: 'write'
  readonly call: Call
}

/** A transaction's own calls are of its ORM; calls outside it touch no table that it writes to, or only read. */
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
  /** Whether the program goes on only when Sluice knows the new schema. */
  readonly isAwaited: boolean
  /** Reads while it is under way, one after the other: what they find is open. */
  readonly beside?: Reads
}

/** Calls on a connection whose names mean something else meanwhile. */
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
  /** Reads in the transaction and outside it, at once. */
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
  /** A loop in a scope of its own, and again over the same rows once somebody has written past Sluice: whoever asks again wants to know. */
  | { readonly kind: 'poll'; readonly walk: Walk; readonly between: PastWrite }
  /** A loop in a scope of its own that asks for the listing's own rows, while somebody writes past Sluice. */
  | { readonly kind: 'refetch'; readonly walk: Walk }
  /** All parts at once, each in a scope of its own or all in this one. They change nothing. */
  | { readonly kind: 'scopes'; readonly parts: readonly (Reads | Walk)[]; readonly isShared: boolean }
  /** Reads while a write is under way: what they find is open, but not what is found once it has ended. */
  | { readonly kind: 'race'; readonly reads: Reads; readonly write: Call }

export interface Program {
  readonly isScoped: boolean
  readonly steps: readonly Step[]
}

/** Stands in a call's arguments where one of the key's values goes. */
interface Hole {
  readonly $key: number
}

export function hole(at = 0): Hole {
  return { $key: at }
}

/** The arguments with the key's values in their holes. */
export function fill(args: unknown, key: unknown): unknown {
  if (Array.isArray(args)) return args.map((item) => fill(item, key))
  if (typeof args !== 'object' || args === null || Object.getPrototypeOf(args) !== Object.prototype) return args
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

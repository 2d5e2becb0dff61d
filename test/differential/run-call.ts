import type { Knex } from 'knex'
import { type BuilderTarget, startInBuilder } from './builders/builder-clients.ts'
import { describeError, describeResult, spoil } from './observe.ts'
import { type Call, type Chain, fill } from './program.ts'
import { STRANGE_INTEGER } from './schemas/values.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The target of calls: the clients, or a transaction of one of them. */
export interface Target extends BuilderTarget {
  readonly prisma: object
  readonly knex: Knex
}

/** The outcome of a call. */
export interface Observed {
  /** Equal for results that a caller cannot distinguish. */
  readonly text: string
  /** The rows of the result in their original order. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

type Methods = Readonly<Record<string, (...args: unknown[]) => unknown>>

/** Runs calls and records their results. */
export class CallRunner {
  constructor(private readonly vocabulary: Vocabulary) {}

  async observe(call: Call, target: Target): Promise<Observed> {
    let result: unknown
    try {
      result = await start(call, target)
    } catch (error) {
      return { text: describeError(error), rows: [] }
    }
    const observed = { text: this.describe(result, call), rows: rowsIn(result) }
    spoil(result)
    return observed
  }

  describe(result: unknown, call: Call): string {
    if (call.orm !== 'prisma' && call.isVague === true) return 'done'
    // PostgreSQL stores rows in any free space: which of the tied rows is first differs from run to run.
    const isLoose = call.order === 'doubtful' && this.vocabulary.dialect === 'postgresql'
    return describeResult(isLoose ? orderValuesOf(result, call) : result, call.order)
  }

  /**
   * Whether Prisma itself fails when the call runs concurrently with others. It sends each tick's
   * `findUnique` together, and in a transaction each tick's calls. If one of them fails, the others fail too
   * or get `undefined`, and if the database considers different strings equal, it does not find its row. With
   * Sluice each call finds its own row.
   */
  isMishandled(call: Call, inTransaction: boolean): boolean {
    if (call.orm !== 'prisma' || !(inTransaction || call.action.startsWith('findUnique'))) return false
    if (inTransaction && call.action.endsWith('OrThrow')) return true
    return hasMishandledValue((call.args as { where?: unknown }).where, this.vocabulary)
  }
}

function hasMishandledValue(where: unknown, vocabulary: Vocabulary): boolean {
  if (typeof where === 'string') return vocabulary.dialect === 'mysql' && vocabulary.isLoose(where)
  if (typeof where === 'number') return !Number.isInteger(where) || where >= 2 ** 31
  if (typeof where === 'bigint') return where === STRANGE_INTEGER
  if (where instanceof Date) return false
  if (typeof where !== 'object' || where === null) return where === null || where === undefined
  // Prisma has no such condition on a relation.
  if ('not' in where && typeof where.not === 'object' && where.not !== null && !(where.not instanceof Date))
    return true
  return Object.values(where).some((value) => hasMishandledValue(value, vocabulary))
}

/** The values that any choice among tied rows has: those by which the rows are ordered. */
function orderValuesOf(result: unknown, call: Call): unknown {
  const names = orderedBy(call)
  const rows: unknown[] = Array.isArray(result) ? result : [result]
  return rows.map((row) => row && names.map((name) => (row as Record<string, unknown>)[name]))
}

function orderedBy(call: Call): readonly string[] {
  if (call.orm === 'prisma') {
    const { orderBy } = call.args as { orderBy?: object | readonly object[] }
    return (Array.isArray(orderBy) ? orderBy : [orderBy ?? {}]).flatMap((part) => Object.keys(part as object))
  }
  // An alias can have the name of a column.
  if (/ as /.test(JSON.stringify(call.chain.filter(([method]) => method === 'select')))) return []
  return call.chain.flatMap(([method, column]) =>
    method === 'orderBy' && typeof column === 'string' ? [column] : [],
  )
}

/** The rows as a caller may store them, regardless of later changes to the result. */
function rowsIn(result: unknown): Observed['rows'] {
  const rows = Array.isArray(result) ? result : [result]
  return rows.flatMap((row) =>
    typeof row === 'object' && row !== null && !(row instanceof Date) ? [keptRow(row)] : [],
  )
}

function keptRow(row: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Date ? new Date(value.getTime()) : value,
    ]),
  )
}

export function withKey(call: Call, key: unknown): Call {
  return fill(call, key) as Call
}

/** Creates the call; it is sent when the returned value is awaited. */
export function start(call: Call, target: Target): unknown {
  const { prisma, knex } = target
  if (call.orm === 'knex') return build(call.table === undefined ? knex : knex(call.table), call.chain, knex)
  if (call.orm !== 'prisma') return startInBuilder(call, target)
  const { model, action, args, fluent } = call
  if (model === undefined) return (prisma as Methods)[action]?.apply(prisma, args as unknown[])
  const delegate = (prisma as Readonly<Record<string, Methods>>)[
    `${model.slice(0, 1).toLowerCase()}${model.slice(1)}`
  ]
  const found = delegate?.[action]?.(args)
  return fluent === undefined ? found : (found as Methods)[fluent.field]?.(fluent.args)
}

function build(from: unknown, chain: Chain, knex: Knex): unknown {
  return chain.reduce((builder, [method, ...args]) => {
    const call = (builder as Methods)[method]
    if (call === undefined) throw new Error(`Expected Knex to have ${method}.`)
    return call.apply(
      builder,
      args.map((arg) => rawOf(arg, knex)),
    )
  }, from)
}

/**
 * `{ $raw: sql }` among arguments is a piece of SQL, and `{ $group: chain }` a function that adds conditions.
 */
function rawOf(arg: unknown, knex: Knex): unknown {
  if (typeof arg === 'object' && arg !== null && '$group' in arg)
    return (inner: unknown) => void build(inner, arg.$group as Chain, knex)
  return typeof arg === 'object' && arg !== null && '$raw' in arg ? knex.raw(String(arg.$raw)) : arg
}

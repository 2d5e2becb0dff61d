import type { Chain } from '../program.ts'

/** Conditions that all hold, except that `isOr` begins an alternative. */
export type Condition = { readonly isOr: boolean } & (
  | { readonly kind: 'group'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'null'; readonly column: string; readonly negated: boolean }
  | { readonly kind: 'in'; readonly column: string; readonly negated: boolean; readonly values: unknown[] }
  | { readonly kind: 'between'; readonly column: string; readonly values: readonly [unknown, unknown] }
  | { readonly kind: 'compared'; readonly column: string; readonly operator: string; readonly value: unknown }
)

type Aggregate = 'count' | 'max' | 'min' | 'sum' | 'avg'

export type Output =
  | { readonly kind: 'star' }
  | { readonly kind: 'raw'; readonly sql: string; readonly alias: string }
  | { readonly kind: 'column'; readonly column: string; readonly alias?: string }
  | {
      readonly kind: 'aggregate'
      readonly name: Aggregate
      readonly column: string
      readonly alias: string
      readonly isDistinct: boolean
    }

export interface Order {
  readonly column: string
  readonly descending: boolean
  readonly nulls?: string
}

interface Join {
  readonly kind: 'inner' | 'left'
  readonly table: string
  /** Pairs of columns that are equal. */
  readonly on: readonly (readonly [string, string])[]
}

/** A query that a chain of calls builds, for builders with other calls. */
export interface BuilderQuery {
  readonly table: string
  readonly alias?: string
  readonly where: readonly Condition[]
  /** None: all columns. */
  readonly outputs: readonly Output[]
  readonly joins: readonly Join[]
  readonly groupBy: readonly string[]
  readonly orderBy: readonly Order[]
  readonly limit?: number
  readonly offset?: number
  readonly isDistinct: boolean
  readonly isLocking: boolean
  /** The part of the rows that the caller gets. */
  readonly takes: 'all' | 'first' | { readonly pluck: string }
  /** Omitted: it reads. */
  readonly write?: BuilderWrite
}

export type BuilderWrite =
  | { readonly kind: 'delete' }
  | { readonly kind: 'update'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'increment'; readonly column: string; readonly by: number }
  | {
      readonly kind: 'insert'
      readonly rows: readonly Readonly<Record<string, unknown>>[]
      /** The key that may exist, and the columns that are then updated. */
      readonly conflict?: { readonly column: string; readonly updated: readonly string[] }
    }

type Parts = { -readonly [Name in keyof BuilderQuery]: BuilderQuery[Name] }

/** @throws Error for a method that it does not know. */
export function readChain(table: string, chain: Chain): BuilderQuery {
  const [name = '', alias] = table.split(' as ')
  const query: Parts = {
    table: name,
    ...(alias === undefined ? {} : { alias }),
    where: conditionsOf(chain),
    outputs: [],
    joins: [],
    groupBy: [],
    orderBy: [],
    isDistinct: false,
    isLocking: false,
    takes: 'all',
  }
  for (const [method, ...args] of chain) if (!/where/i.test(method)) addCall(query, method, args)
  return query
}

function addCall(query: Parts, method: string, args: readonly unknown[]): void {
  const [first] = args
  switch (method) {
    case 'select':
    case 'columns':
      query.outputs = [...query.outputs, ...args.flat().map(outputOf)]
      return
    case 'distinct':
      query.isDistinct = true
      query.outputs = [...query.outputs, ...args.map(outputOf)]
      return
    case 'count':
    case 'countDistinct':
    case 'max':
    case 'min':
    case 'sum':
    case 'avg':
      query.outputs = [...query.outputs, ...aggregatesOf(method, first)]
      return
    case 'join':
    case 'leftJoin':
      query.joins = [...query.joins, joinOf(method, args)]
      return
    case 'groupBy':
      query.groupBy = [...query.groupBy, ...(args as string[])]
      return
    case 'orderBy':
      query.orderBy = [...query.orderBy, ...ordersOf(args)]
      return
    case 'limit':
    case 'offset':
      query[method] = first as number
      return
    case 'first':
      query.takes = 'first'
      return
    case 'pluck':
      query.takes = { pluck: first as string }
      query.outputs = [outputOf(first)]
      return
    case 'forShare':
      query.isLocking = true
      return
    default:
      query.write = writeOf(query.write, method, args)
  }
}

function writeOf(write: BuilderWrite | undefined, method: string, args: readonly unknown[]): BuilderWrite {
  const [first, second] = args
  switch (method) {
    case 'del':
      return { kind: 'delete' }
    case 'update':
      return { kind: 'update', fields: first as Readonly<Record<string, unknown>> }
    case 'increment':
      return { kind: 'increment', column: first as string, by: second as number }
    case 'insert':
      return { kind: 'insert', rows: [first].flat() as Readonly<Record<string, unknown>>[] }
    case 'onConflict':
      if (write?.kind === 'insert') return { ...write, conflict: { column: first as string, updated: [] } }
      break
    case 'merge':
      if (write?.kind === 'insert' && write.conflict !== undefined)
        return { ...write, conflict: { ...write.conflict, updated: first as string[] } }
  }
  throw new Error(`Expected a known method, got ${method}.`)
}

function conditionsOf(chain: Chain): readonly Condition[] {
  return chain.flatMap(([method, ...args]) => (/where/i.test(method) ? [conditionOf(method, args)] : []))
}

function conditionOf(method: string, args: readonly unknown[]): Condition {
  const [first, second, third] = args
  const isOr = method.startsWith('or')
  const column = first as string
  switch (method) {
    case 'whereNull':
    case 'orWhereNull':
    case 'whereNotNull':
      return { kind: 'null', isOr, column, negated: method === 'whereNotNull' }
    case 'whereIn':
    case 'whereNotIn':
      return { kind: 'in', isOr, column, negated: method === 'whereNotIn', values: second as unknown[] }
    case 'whereBetween':
      return { kind: 'between', isOr, column, values: second as [unknown, unknown] }
    case 'whereNot':
      return { kind: 'compared', isOr, column, operator: '<>', value: second }
    case 'where':
    case 'andWhere':
    case 'orWhere':
      if (typeof first === 'object' && first !== null)
        return '$group' in first
          ? { kind: 'group', isOr, conditions: conditionsOf(first.$group as Chain) }
          : { kind: 'fields', isOr, fields: first as Readonly<Record<string, unknown>> }
      return args.length === 3
        ? { kind: 'compared', isOr, column, operator: second as string, value: third }
        : { kind: 'compared', isOr, column, operator: '=', value: second }
    default:
      throw new Error(`Expected a known condition, got ${method}.`)
  }
}

/** The alternatives of conditions: `a and b or c` are two. */
export function alternativesOf(conditions: readonly Condition[]): readonly (readonly Condition[])[] {
  const alternatives: Condition[][] = [[]]
  for (const condition of conditions) {
    if (condition.isOr) alternatives.push([])
    alternatives.at(-1)?.push(condition)
  }
  return alternatives.filter((conditions) => conditions.length > 0)
}

function outputOf(written: unknown): Output {
  if (typeof written === 'object' && written !== null && '$raw' in written) {
    const [sql = '', alias = 'raw'] = String(written.$raw).split(' as ')
    return { kind: 'raw', sql, alias }
  }
  const [column = '', alias] = String(written).split(' as ')
  if (column === '*') return { kind: 'star' }
  return { kind: 'column', column, ...(alias === undefined ? {} : { alias }) }
}

function aggregatesOf(method: string, written: unknown): readonly Output[] {
  const isDistinct = method === 'countDistinct'
  const name = isDistinct ? 'count' : (method as Aggregate)
  if (typeof written === 'object' && written !== null)
    return Object.entries(written).map(([alias, column]) => ({
      kind: 'aggregate',
      name,
      column: column as string,
      alias,
      isDistinct,
    }))
  const [column = '*', alias = name] = String(written ?? '*').split(' as ')
  return [{ kind: 'aggregate', name, column, alias, isDistinct }]
}

function joinOf(method: string, [table, first, second]: readonly unknown[]): Join {
  const on =
    typeof first === 'string'
      ? [[first, second as string] as const]
      : (Object.entries(first as object) as [string, string][])
  return { kind: method === 'join' ? 'inner' : 'left', table: table as string, on }
}

function ordersOf([first, direction, nulls]: readonly unknown[]): readonly Order[] {
  if (Array.isArray(first))
    return first.map((part: string | { readonly column: string; readonly order: string }) =>
      typeof part === 'string'
        ? { column: part, descending: false }
        : { column: part.column, descending: part.order === 'desc' },
    )
  const order = { column: first as string, descending: direction === 'desc' }
  return [nulls === undefined ? order : { ...order, nulls: nulls as string }]
}

import type { Dialect } from '@sluice/core'
import type { IndexDefinition, IndexKey } from '@sluice/core/database'
import type { Answer, Shape } from './workload/shape.ts'

interface ExpectedKey {
  /** The columns that are accepted in this position, in any order; usually one. */
  readonly columns: readonly string[]
  readonly isDescending: boolean
  /** `text_pattern_ops`, `nocase`, … */
  readonly operators: string | undefined
}

export interface ExpectedIndex {
  readonly table: string
  readonly method: string
  readonly keys: readonly ExpectedKey[]
  readonly where: string | undefined
}

const INDEX = /^(\w+)(?: using (\w+))? \((.+?)\)(?: where (.+))?$/

/** @throws Error if the string is not an index in the notation. */
export function readIndex(text: string): ExpectedIndex {
  const [, table, method = 'btree', keys, where] = INDEX.exec(text.trim()) ?? []
  if (table === undefined || keys === undefined)
    throw new Error(`Expected an index like "orders (customer_id, placed_at)", got "${text}".`)
  return {
    table,
    method,
    where: where === undefined ? undefined : bare(where),
    keys: keys.split(',').map((key): ExpectedKey => {
      const [columns = '', ...words] = key.trim().replaceAll(' + ', '+').split(' ')
      const [operators] = words.filter((word) => word !== 'desc')
      return { columns: columns.split('+'), isDescending: words.includes('desc'), operators }
    }),
  }
}

/** An index's own keys in the notation. */
function columnOf({ column, expression }: IndexKey): string {
  return expression === undefined
    ? column
    : bare(expression).replace(/^(lower|upper) /, '$1(') +
        (/^(lower|upper)/.test(bare(expression)) ? ')' : '')
}

function operatorsOf({ operatorClass, collation }: IndexKey): string | undefined {
  return operatorClass ?? collation?.toLowerCase()
}

function bare(sql: string): string {
  return sql
    .replaceAll(/::[a-z ]+/gi, '')
    .replaceAll(/["`()]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}

/** Whether an index begins with the expected keys. */
function answers(index: IndexDefinition, text: string): boolean {
  const expected = readIndex(text)
  const table = index.table.split('.').at(-1)
  if (table !== expected.table || index.method !== expected.method) return false
  if ((index.where === undefined ? undefined : bare(index.where)) !== expected.where) return false
  const places = expected.keys.flatMap((key) => key.columns.map(() => key))
  if (index.keys.length < places.length) return false
  const own = index.keys.slice(0, places.length)
  const taken = new Set<string>()
  const areColumns = own.every((key, at) => {
    const column = columnOf(key)
    const place = places[at]
    if (place?.columns.includes(column) !== true || taken.has(column) || place.operators !== operatorsOf(key))
      return false
    taken.add(column)
    return true
  })
  // Read backwards, every direction is reversed.
  const turned = own.map((key, at) => (key.isDescending === true) !== (places[at]?.isDescending === true))
  return areColumns && (turned.every((one) => one) || turned.every((one) => !one))
}

/** The indexes that meet a need: those of the first alternative that is complete. */
export function indexesOfNeed<T extends { readonly definition: IndexDefinition }>(
  need: string,
  advised: readonly T[],
): readonly T[] | undefined {
  for (const alternative of need.split(' | ')) {
    const found = alternative
      .split(' & ')
      .map((text) => advised.find(({ definition }) => answers(definition, text)))
    if (found.every((index) => index !== undefined)) return found
  }
  return undefined
}

export function answerOf({ answer }: Pick<Shape, 'answer'>, dialect: Dialect): Answer {
  return 'length' in answer ? answer : answer[dialect]
}

/** Whether an index is among a shape's answers, or is accepted for it. */
export function isForeseen(definition: IndexDefinition, shape: Shape, dialect: Dialect): boolean {
  const needed = answerOf(shape, dialect).flatMap((need) => need.split(/ [|&] /))
  return [...needed, ...(shape.allowed ?? [])].some((text) => answers(definition, text))
}

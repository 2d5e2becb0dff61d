import {
  type EqualitySelect,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from '@sluice/core/adapter'

/**
 * Prisma 8 code that runs a repeated select by key once. `keys` contains the values of the key. The other
 * conditions stay, with `value` instead of their values.
 *
 * @returns `undefined` for a composite key, aggregates, conditions that Prisma 8 does not have, if a limit
 * selects only some rows of each key, and for tables and columns that the contract does not have.
 */
export function fixForSelect(
  { table, keys, conditions, columns, order, isLimited }: EqualitySelect,
  names: ModelNames,
): string | undefined {
  const [key, ...others] = keys
  const model = names.of(table.path.at(-1) ?? '', table.path.at(-2))
  if (key === undefined || others.length > 0 || model === undefined || columns.length === 0) return undefined
  // With an order, a limit selects some rows of each key; without one, the key has one row.
  if (order.length > 0 && isLimited) return undefined
  const fieldOf: FieldOf = (path) => model.fields.get(path.at(-1) ?? '')
  const selected = columns.some(({ path }) => path.at(-1) === '*')
    ? [...model.fields.values()]
    : columns.map(({ path }) => fieldOf(path))
  const keyField = fieldOf(key)
  const wheres = conditions.map((condition) => conditionOf(condition, fieldOf))
  const orders = order.map((one) => orderOf(one, fieldOf))
  if (keyField === undefined || ![...selected, ...wheres, ...orders].every((part) => part !== undefined))
    return undefined
  const all = new Set(selected)
  const code = [
    `db.orm.${model.path.join('.')}`,
    // Rows are distinguished by their key.
    all.size === model.fields.size
      ? ''
      : `.select(${[...all.add(keyField)].map((name) => `'${name}'`).join(', ')})`,
    ...[`row.${keyField}.in(keys)`, ...wheres].map((where) => `.where((row) => ${where})`),
    orders.length === 0 ? '' : `.orderBy(${orders.length === 1 ? orders[0] : `[${orders.join(', ')}]`})`,
    '.all()',
    sameValueNote(conditions),
  ]
  return code.join('')
}

type FieldOf = (path: readonly string[]) => string | undefined

const OPERATORS = {
  '<>': 'neq',
  '<': 'lt',
  '<=': 'lte',
  '>': 'gt',
  '>=': 'gte',
  in: 'in',
  'is null': 'isNull',
  'is not null': 'isNotNull',
  between: undefined,
} as const

function conditionOf({ path, operator, negated }: SelectCondition, fieldOf: FieldOf): string | undefined {
  const field = fieldOf(path)
  const method = OPERATORS[operator]
  if (field === undefined || method === undefined || negated) return undefined
  return `row.${field}.${method}(${operator.startsWith('is') ? '' : 'value'})`
}

function orderOf({ path, descending }: SelectOrder, fieldOf: FieldOf): string | undefined {
  const field = fieldOf(path)
  return field === undefined ? undefined : `(row) => row.${field}.${descending ? 'desc' : 'asc'}()`
}

/** A model of Prisma, and its fields by column. */
export interface ModelName {
  /** As in `db.orm.<path>`. */
  readonly path: readonly [namespace: string, model: string]
  readonly fields: ReadonlyMap<string, string>
}

/** The part of `contract.json` that relates models to tables. */
interface Contract {
  readonly domain?: {
    readonly namespaces?: Readonly<
      Record<string, { readonly models?: Readonly<Record<string, { readonly storage?: ModelStorage }>> }>
    >
  }
}

interface ModelStorage {
  readonly table?: string
  readonly namespaceId?: string
  readonly fields?: Readonly<Record<string, { readonly column?: string }>>
}

interface TableModel extends ModelName {
  readonly table: string | undefined
  readonly schema: string | undefined
}

/** Finds the models of tables in a contract. */
export class ModelNames {
  #models: readonly TableModel[] | undefined

  /** @param contract - `contract.json`, or a contract that was written in TypeScript. */
  constructor(private readonly contract: unknown) {}

  /** `undefined` for a table without a model, and for one with several. */
  of(table: string, schema: string | undefined): ModelName | undefined {
    this.#models ??= modelsOf(Object(this.contract) as Contract)
    const [found, ...others] = this.#models.filter(
      (model) => model.table === table && (schema === undefined || model.schema === schema),
    )
    return others.length === 0 ? found : undefined
  }
}

function modelsOf({ domain }: Contract): readonly TableModel[] {
  return Object.entries(domain?.namespaces ?? {}).flatMap(([namespace, { models = {} }]) =>
    Object.entries(models).map(([name, { storage = {} }]) => ({
      path: [namespace, name],
      table: storage.table,
      schema: storage.namespaceId,
      fields: new Map(
        Object.entries(storage.fields ?? {}).map(([field, { column = '' }]) => [column, field]),
      ),
    })),
  )
}

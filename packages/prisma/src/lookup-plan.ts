import type { Dialect } from '@sluice/core'
import type { LookupTarget, Refusal } from '@sluice/core/adapter'
import { isPlainObject } from './argument-shapes.ts'
import { AGGREGATES, countAsAggregate, refuseAggregates } from './lookups/aggregates.ts'
import { flatWhere } from './lookups/flat-where.ts'
import { isTotal, type KeyPlan, planKeys } from './lookups/key-plan.ts'
import { type KeyChoice, KeyChoices, type KeyedPlan, type LookupPlan } from './lookups/keyed-plan.ts'
import type { RelationKey } from './lookups/relation-key.ts'
import { type Ties, tiesOf } from './lookups/row-order.ts'
import { type OmittedFields, selectsNothing } from './lookups/selection.ts'
import { refuse } from './reasons.ts'
import type { PrismaModel, PrismaRelation } from './schema/prisma-model.ts'

/** Properties of a shape that its plan needs. */
export interface PlannedShape {
  readonly operation: string
  readonly fingerprint: string
  readonly dialect: Dialect
  /** Whether the schema contains the types of columns. */
  readonly isExact: boolean
  /** Fields that the client omits from the model's rows. */
  readonly omitted: OmittedFields | undefined
}

type Args = Readonly<Record<string, unknown>>

const ACTIONS: Readonly<Record<string, KeyedPlan['action']>> = {
  findUnique: 'unique',
  findUniqueOrThrow: 'unique',
  findFirst: 'first',
  findFirstOrThrow: 'first',
  findMany: 'many',
  count: 'count',
  aggregate: 'aggregate',
  groupBy: 'groupBy',
}

const ROW_ARGS: ReadonlySet<string> = new Set([
  'where',
  'select',
  'include',
  'omit',
  'orderBy',
  'relationLoadStrategy',
])

/** Arguments that a batched query can apply to all its keys. */
const MERGEABLE_ARGS: Readonly<Record<KeyedPlan['action'], ReadonlySet<string>>> = {
  unique: ROW_ARGS,
  first: ROW_ARGS,
  many: new Set([...ROW_ARGS, 'take', 'skip']),
  count: new Set(['where', 'select']),
  aggregate: new Set(['where', ...AGGREGATES]),
  groupBy: new Set(['where', 'by', 'having', 'orderBy', ...AGGREGATES]),
}

/**
 * Plans how to batch a shape's operations. `undefined` for operations without a key.
 *
 * @param model - `undefined` without a schema: the types of its fields are then unknown.
 * @param args - Arguments of any operation of the shape.
 */
export function planLookup(
  { operation, fingerprint, dialect, isExact, omitted }: PlannedShape,
  model: PrismaModel | undefined,
  args: unknown,
): LookupPlan {
  const action = ACTIONS[operation]
  if (action === undefined) return undefined
  if (!isPlainObject(args)) return refuse('NO_KEY')
  const other = Object.keys(args).find(
    (name) => args[name] !== undefined && !MERGEABLE_ARGS[action].has(name),
  )
  if (other !== undefined) return refuse(`UNSUPPORTED_ARGUMENT:${other}`)
  const keys = planKeys(whereOf(action, args.where), model, action === 'unique', isExact)
  if ('refused' in keys) return keys
  if (model === undefined) return refuse('NO_SCHEMA')
  if (!isOfNumbers(action) && selectsNothing(args, scalarsOf(model), omitted))
    return refuse('EMPTY_SELECTION')
  const shape = `${fingerprint} ${operation}`
  const ties = action === 'first' || action === 'many' ? tiesOf(args.orderBy, model, dialect) : undefined
  const checked = keys.map((key) => ({ key, refusal: refuseKey(action, args, key, model, dialect, ties) }))
  const [first, ...others] = checked
    .filter(({ refusal }) => refusal === undefined)
    .map(({ key }) => choiceOf(key, model, shape))
  if (first === undefined) return checked[0]?.refusal
  return { action, throws: operation.endsWith('OrThrow'), keys: new KeyChoices([first, ...others]), ties }
}

/** The `where` in which keys are searched: `findUnique` never has its key in an `AND`. */
export function whereOf(action: KeyedPlan['action'], where: unknown): unknown {
  return action !== 'unique' && isPlainObject(where) && where.AND !== undefined ? flatWhere(where) : where
}

function scalarsOf({ fields }: PrismaModel): readonly string[] {
  return [...fields.values()].flatMap(({ name, kind }) => (kind === 'object' ? [] : [name]))
}

function choiceOf(key: KeyPlan, model: PrismaModel, shape: string): KeyChoice {
  if (key.relation?.listed !== undefined)
    return { key, target: { ...columnOfList(key.relation, model), shape } }
  return {
    key,
    target: { table: model.table, columns: key.fields.map((field) => model.column(field) ?? field), shape },
  }
}

/** The column whose values are the keys of a list: the join table's, or the related table's own key. */
function columnOfList(
  { field, listed = '' }: RelationKey,
  model: PrismaModel,
): Pick<LookupTarget, 'table' | 'columns'> {
  const { joinTable, target } = model.relations.get(field) as PrismaRelation
  // Prisma's join tables have the columns A and B, for the models in alphabetical order.
  return joinTable === undefined
    ? { table: target.table, columns: [target.column(listed) ?? listed] }
    : { table: joinTable, columns: [target.name < model.name ? 'A' : 'B'] }
}

function refuseKey(
  action: KeyedPlan['action'],
  args: Args,
  key: KeyPlan,
  model: PrismaModel,
  dialect: Dialect,
  ties: Ties | undefined,
): Refusal | undefined {
  if (key.relation?.listed !== undefined) {
    const { field } = key.relation
    const selects = [args.select, args.include].some((rows) => isPlainObject(rows) && field in rows)
    const isPlain = action === 'many' || (action === 'count' && args.select === undefined)
    if (!isPlain || selects) return refuse('LISTED_RELATION')
  }
  if (action === 'first' && ties === undefined && !isTotal(args.orderBy, key.fields, model))
    return refuse('NONDETERMINISTIC_FIRST_ROW')
  return isOfNumbers(action) ? refuseNumbers(action, args, key, model, dialect) : undefined
}

/** Whether an action returns aggregates of rows instead of rows. */
export function isOfNumbers(action: KeyedPlan['action']): boolean {
  return action === 'count' || action === 'aggregate' || action === 'groupBy'
}

function refuseNumbers(
  action: KeyedPlan['action'],
  args: Args,
  key: KeyPlan,
  model: PrismaModel,
  dialect: Dialect,
): Refusal | undefined {
  if (action === 'count') return refuseAggregates(countAsAggregate(args), model, dialect)
  const refusal = refuseAggregates(args, model, dialect)
  if (refusal !== undefined || action === 'aggregate') return refusal
  const { by, having, orderBy } = args
  const own: readonly unknown[] = Array.isArray(by) ? by : [by]
  if (own.length === 0 || !own.every((field): field is string => typeof field === 'string'))
    return refuse('UNSUPPORTED_ARGUMENTS')
  // If a collation considers strings equal, any of them can represent their group.
  const isLoose = (field: string) =>
    model.collated.has(field) || (dialect === 'mysql' && model.fields.get(field)?.type === 'String')
  if (own.some(isLoose)) return refuse('GROUPED_BY_STRING')
  const named = [...namesIn(having), ...namesIn(orderBy)]
  // Prisma rejects conditions on fields that are not grouped by; the batched query also groups by the key.
  if (named.some((name) => key.fields.includes(name) && !own.includes(name)))
    return refuse('CONDITION_ON_UNGROUPED_KEY')
  return named.some((name) => model.fields.get(name)?.type === 'Float')
    ? refuse('CONDITION_ON_FLOAT')
    : undefined
}

function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  return isPlainObject(value) ? Object.keys(value).flatMap((name) => [name, ...namesIn(value[name])]) : []
}

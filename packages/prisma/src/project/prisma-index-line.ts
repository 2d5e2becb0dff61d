import { type DatabaseFacts, type IndexDefinition, type IndexKey, isSameName } from '@sluice/core/database'
import type { PrismaField, PrismaIndex, PrismaKey, PrismaModel } from './prisma-model.ts'
import type { PrismaSchema } from './read-prisma-schema.ts'

/** The form of an index in a model, or the reason why a model cannot contain it. */
type ModelIndex =
  | {
      readonly index: PrismaIndex /** Properties that the line does not express, one sentence each. */
      readonly notes: readonly string[]
    }
  | {
      readonly why: string /** Whether Prisma ignores such an index if it is missing from the schema. */
      readonly canMigrate: boolean
    }

const TYPES = {
  btree: undefined,
  hash: 'Hash',
  gin: 'Gin',
  gist: 'Gist',
  brin: 'Brin',
  fulltext: undefined,
} as const

/**
 * Operator classes with their Prisma names. The default classes of a type are omitted, here and by Prisma.
 */
const OPERATORS: Readonly<Record<string, string | undefined>> = {
  jsonb_path_ops: 'JsonbPathOps',
  gin_trgm_ops: 'raw("gin_trgm_ops")',
  gist_trgm_ops: 'raw("gist_trgm_ops")',
  jsonb_ops: undefined,
  array_ops: undefined,
}

/** Types that are not enums. */
const BUILT_IN: ReadonlySet<string> = new Set(
  'String Int BigInt Float Decimal Boolean DateTime Json Bytes Unsupported'.split(' '),
)

/** Expresses an index in the syntax of the schema. */
export function modelIndexOf(
  index: IndexDefinition,
  name: string,
  model: PrismaModel,
  schema: PrismaSchema,
  facts: DatabaseFacts,
): ModelIndex {
  const expression = index.keys.find((key) => key.expression !== undefined)?.expression
  if (expression !== undefined)
    return {
      why: `Prisma does not support an index on an expression, such as ${expression}.`,
      canMigrate: true,
    }
  const modelNames = new Set(schema.models.map((other) => other.name))
  const fieldOf = (column: string) =>
    model.fields.find((field) => !modelNames.has(field.type) && isSameName(facts, field.column, column))
  const keys: PrismaKey[] = []
  const notes: string[] = []
  for (const key of index.keys) {
    const field = fieldOf(key.column)
    if (field === undefined) return cannot(`Model ${model.name} has no field for the column ${key.column}.`)
    const modelKey = modelKeyOf(key, field, index, facts)
    if ('why' in modelKey) return modelKey
    keys.push(modelKey.key)
    notes.push(...modelKey.notes)
  }
  const carried = includedKeys(index, fieldOf, model)
  if ('why' in carried) return carried
  const type = index.method in TYPES ? TYPES[index.method as keyof typeof TYPES] : null
  if (type === null) return cannot(`Prisma does not support ${index.method} indexes.`)
  const where = whereOf(index, model, schema, facts)
  if (where !== undefined && typeof where !== 'string') return where
  return {
    index: {
      kind: index.method === 'fulltext' ? 'fulltext' : index.isUnique ? 'unique' : 'index',
      keys: [...keys, ...carried.keys],
      name,
      ...(type === undefined ? {} : { type }),
      ...(where === undefined ? {} : { where }),
    },
    notes: [...notes, ...carried.notes],
  }
}

/** The line of an index, without indentation. */
export function prismaIndexLine(index: PrismaIndex, defaultName: string): string {
  const keys = index.keys.map(({ field, operators, length, isDescending }) => {
    const settings = [
      operators === undefined ? [] : `ops: ${operators}`,
      length === undefined ? [] : `length: ${length}`,
      isDescending ? 'sort: Desc' : [],
    ].flat()
    return settings.length === 0 ? field : `${field}(${settings.join(', ')})`
  })
  const settings = [
    `[${keys.join(', ')}]`,
    index.name === defaultName ? [] : `map: ${JSON.stringify(index.name)}`,
    index.type === undefined ? [] : `type: ${index.type}`,
    index.where === undefined ? [] : `where: ${index.where}`,
  ].flat()
  return `@@${index.kind}(${settings.join(', ')})`
}

function modelKeyOf(
  key: IndexKey,
  field: PrismaField,
  index: IndexDefinition,
  facts: DatabaseFacts,
): { readonly key: PrismaKey; readonly notes: readonly string[] } | Extract<ModelIndex, { why: string }> {
  const notes: string[] = []
  const { operatorClass, prefixLength, collation, nulls } = key
  let operators: string | undefined
  if (operatorClass !== undefined && index.method !== 'btree') {
    if (!(operatorClass in OPERATORS))
      return cannot(`Prisma does not support the operator class ${operatorClass}.`)
    operators = OPERATORS[operatorClass]
  }
  const hasOwnOperators = field.isList || field.type === 'Json' || operators !== undefined
  if (index.method === 'gin' && !hasOwnOperators)
    return cannot(`Prisma does not support a GIN index on ${field.name}, whose type is ${field.type}.`)
  if (index.method === 'gist' && operators === undefined)
    return cannot(`Prisma does not support a GiST index on ${field.name} without an operator class.`)
  if (index.method === 'hash' && index.keys.length > 1) return cannot('A hash index can have only one key.')
  if (prefixLength === undefined && index.method === 'btree' && needsLength(field, facts)) {
    return cannot(`Prisma requires the indexed prefix length of ${field.name}.`)
  }
  if (operatorClass !== undefined && index.method === 'btree')
    notes.push(`Prisma cannot express ${operatorClass}: only the migration sets it.`)
  if (collation !== undefined)
    notes.push(`Prisma cannot express COLLATE ${collation}: only the migration sets it.`)
  if (nulls !== undefined)
    notes.push(`Prisma cannot express NULLS ${nulls.toUpperCase()}: only the migration sets it.`)
  return {
    key: {
      field: field.name,
      isDescending: key.isDescending === true,
      ...(operators === undefined ? {} : { operators }),
      ...(prefixLength === undefined ? {} : { length: prefixLength }),
    },
    notes,
  }
}

/** Prisma reads the included columns of an index as its last keys, so they are written as keys. */
function includedKeys(
  index: IndexDefinition,
  fieldOf: (column: string) => PrismaField | undefined,
  model: PrismaModel,
):
  | { readonly keys: readonly PrismaKey[]; readonly notes: readonly string[] }
  | Extract<ModelIndex, { why: string }> {
  const { include = [] } = index
  if (include.length === 0) return { keys: [], notes: [] }
  if (index.isUnique)
    return cannot('Prisma reads INCLUDE columns as keys, which would change the unique key.')
  const fields = include.map(fieldOf)
  const missing = include.find((_, at) => fields[at] === undefined)
  if (missing !== undefined) return cannot(`Model ${model.name} has no field for the column ${missing}.`)
  return {
    keys: fields.flatMap((field) => (field === undefined ? [] : { field: field.name, isDescending: false })),
    notes: [
      'Prisma reads INCLUDE columns as the last keys, so the line lists them as keys. Only the migration creates them as INCLUDE columns.',
    ],
  }
}

function whereOf(
  index: IndexDefinition,
  model: PrismaModel,
  schema: PrismaSchema,
  facts: DatabaseFacts,
): string | undefined | Extract<ModelIndex, { why: string }> {
  if (index.where === undefined) return undefined
  if (!schema.previewFeatures.has('partialIndexes')) {
    return {
      why: 'Prisma supports partial indexes only with previewFeatures = ["partialIndexes"].',
      canMigrate: true,
    }
  }
  const why = conditionProblem(index.where, model.fields, facts)
  return why === undefined ? `raw(${JSON.stringify(index.where)})` : cannot(why)
}

function needsLength(field: PrismaField, { product }: DatabaseFacts): boolean {
  if (product !== 'mysql' && product !== 'mariadb') return false
  return field.nativeType === undefined ? field.type === 'Bytes' : /Text$|Blob$/.test(field.nativeType)
}

function cannot(why: string): { readonly why: string; readonly canMigrate: boolean } {
  return { why, canMigrate: false }
}

/**
 * Reason why Prisma would find a partial index different from the schema's line in each comparison:
 * PostgreSQL rewrites conditions (`'a'::text`, `'-5'::integer`), and Prisma only reverts the simplest forms.
 * `undefined`: it finds no difference.
 */
function conditionProblem(
  where: string,
  fields: readonly PrismaField[],
  { product }: Pick<DatabaseFacts, 'product'>,
): string | undefined {
  if (product !== 'postgresql') return undefined
  for (const term of withoutParentheses(where)
    .split(/\sAND\s/i)
    .map((part) => part.trim())) {
    const [, column, comparison] = /^(?:NOT\s+)?("(?:[^"]|"")+"|[A-Za-z_]\w*)\s*(.*)$/s.exec(term) ?? []
    const name = column?.startsWith('"') === true ? column.slice(1, -1).replaceAll('""', '"') : column
    const field = fields.find((candidate) => candidate.column === name)
    if (field === undefined || comparison === undefined || !isPlain(comparison, field)) {
      return `PostgreSQL rewrites the condition ${term}, so Prisma would rebuild the index in every migration.`
    }
  }
  return undefined
}

function isPlain(comparison: string, field: PrismaField): boolean {
  if (comparison === '' || /^IS\s+(NOT\s+)?(NULL|TRUE|FALSE)$/i.test(comparison)) return true
  const [, literal] = /^(?:=|<>|<=|>=|<|>)\s*(.+)$/s.exec(comparison) ?? []
  if (literal === undefined) return false
  if (/^\d+(\.\d+)?$|^(true|false)$/i.test(literal)) return true
  // Other string types, and times, are returned with a cast.
  const isText =
    field.nativeType === undefined
      ? !BUILT_IN.has(field.type) || field.type === 'String'
      : field.nativeType === 'Text'
  return isText && /^'[^']*'$/.test(literal)
}

function withoutParentheses(where: string): string {
  const trimmed = where.trim()
  const inside = /^\(([^()]*)\)$/.exec(trimmed)?.[1]
  return inside === undefined ? trimmed : inside.trim()
}

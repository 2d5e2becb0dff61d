import {
  type CreateIndexChange,
  changeProblem,
  conventionalName,
  type DatabaseFacts,
  type DropIndexChange,
  isSameName,
  type PatchedChange,
  type RefusedChange,
  type SchemaChange,
  schemaChangeSql,
  tableOf,
} from '@sluice/core/database'
import { modelIndexOf, prismaIndexLine } from './prisma-index-line.ts'
import {
  coveringIndex,
  indexesOf,
  isModelOf,
  type PrismaAttribute,
  type PrismaIndex,
  type PrismaModel,
  prismaNaming,
  type SchemaFile,
} from './prisma-model.ts'
import { type PrismaSchema, readPrismaSchema } from './read-prisma-schema.ts'

/** Result of patching a schema. */
interface PrismaPatch {
  /** All files, in the given order; files without a change are returned unchanged. */
  readonly files: readonly SchemaFile[]
  readonly applied: readonly PatchedChange[]
  /** Changes that the schema already contains. */
  readonly unchanged: readonly { readonly change: SchemaChange; readonly why: string }[]
  readonly refused: readonly PrismaRefusal[]
}

interface PrismaRefusal extends RefusedChange {
  /** Whether a migration can still contain the change, because Prisma ignores such an index. */
  readonly canMigrate: boolean
}

type Outcome =
  | { readonly files: readonly SchemaFile[]; readonly patched: PatchedChange }
  | { readonly already: string }
  | { readonly why: string; readonly canMigrate: boolean }

const PRODUCTS: Readonly<Record<string, readonly DatabaseFacts['product'][]>> = {
  postgresql: ['postgresql'],
  postgres: ['postgresql'],
  mysql: ['mysql', 'mariadb'],
  sqlite: ['sqlite'],
}

/**
 * Writes changes into the files of a Prisma schema, so that `prisma migrate diff` finds no difference from a
 * database that has them. It inserts lines, and removes lines of dropped indexes; all other content of the
 * files stays byte for byte the same. Changes that the schema already contains are skipped, so a second run
 * changes nothing. Changes that the schema cannot express, and schemas that are not understood, are rejected.
 */
export function patchPrismaSchema(
  files: readonly SchemaFile[],
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
): PrismaPatch {
  const applied: PatchedChange[] = []
  const unchanged: { change: SchemaChange; why: string }[] = []
  const refused: PrismaRefusal[] = []
  let current = files
  for (const change of changes) {
    const outcome = patchOne(current, change, facts)
    if ('patched' in outcome) {
      current = outcome.files
      applied.push(outcome.patched)
    } else if ('already' in outcome) unchanged.push({ change, why: outcome.already })
    else refused.push({ change, why: outcome.why, canMigrate: outcome.canMigrate, sql: sqlOf(change, facts) })
  }
  return { files: current, applied, unchanged, refused }
}

function patchOne(files: readonly SchemaFile[], change: SchemaChange, facts: DatabaseFacts): Outcome {
  const problem = changeProblem(change, facts)
  if (problem !== undefined) return cannot(problem)
  const schema = readPrismaSchema(files, facts)
  if (schema.problem !== undefined) return cannot(schema.problem)
  if (schema.provider !== undefined && PRODUCTS[schema.provider]?.includes(facts.product) !== true) {
    return cannot(`The schema is for ${schema.provider}, and the database is ${facts.product}.`)
  }
  const table = tableOf(facts, change.index.table)
  const models = schema.models.filter((model) => isModelOf(model, table, facts))
  const [model, another] = models
  if (model === undefined)
    return { why: `No model of the schema maps to the table ${table.name}.`, canMigrate: true }
  if (another !== undefined)
    return cannot(
      `Several models map to the table ${table.name}: ${models.map(({ name }) => name).join(', ')}.`,
    )
  const file = files.find(({ path }) => path === model.path)
  if (file === undefined || !file.content.slice(model.body.start, model.body.end).includes('\n')) {
    return cannot(`Model ${model.name} is written on one line.`)
  }
  return change.kind === 'create-index'
    ? create(files, file, change, model, schema, facts)
    : drop(files, file, change, model, facts)
}

function create(
  files: readonly SchemaFile[],
  file: SchemaFile,
  { index, name, ...change }: CreateIndexChange,
  model: PrismaModel,
  schema: PrismaSchema,
  facts: DatabaseFacts,
): Outcome {
  const modelIndex = modelIndexOf(index, name, model, schema, facts)
  if ('why' in modelIndex) return modelIndex
  // If the line does not describe the whole index, an equal line proves nothing: only the name identifies the
  // index.
  const covering = coveringIndex(
    modelIndex.index,
    model,
    tableOf(facts, index.table),
    facts,
    modelIndex.notes.length > 0,
  )
  if (covering !== undefined) return { already: `Model ${model.name} has ${covering}.` }
  const owner = nameTaken(name, model, schema, facts)
  if (owner !== undefined) return cannot(`The name ${name} is used by another index of model ${owner}.`)
  const columns = modelIndex.index.keys.map(
    ({ field }) => model.fields.find((candidate) => candidate.name === field)?.column ?? field,
  )
  const defaultName = conventionalName(
    { table: model.table, columns, isUnique: modelIndex.index.kind === 'unique' },
    facts,
    prismaNaming,
  )
  const line = prismaIndexLine(modelIndex.index, defaultName)
  const content = insertAttribute(file.content, model, modelIndex.index.kind, line)
  const patched = { change: { ...change, index, name }, path: file.path, line, notes: modelIndex.notes }
  return { files: replaced(files, { ...file, content }), patched }
}

function drop(
  files: readonly SchemaFile[],
  file: SchemaFile,
  change: DropIndexChange,
  model: PrismaModel,
  facts: DatabaseFacts,
): Outcome {
  const lines = model.attributes.filter(
    ({ index }) => index !== undefined && isSameName(facts, index.name, change.name),
  )
  const onField = model.fields.find(({ keys }) =>
    keys.some((key) => isSameName(facts, key.name, change.name)),
  )
  if (onField !== undefined) return cannot(`${change.name} is the unique key of the field ${onField.name}.`)
  const [found, another] = lines
  if (found?.index === undefined) return { already: `Model ${model.name} has no index ${change.name}.` }
  const { kind, keys } = found.index
  if (another !== undefined) return cannot(`Model ${model.name} has several indexes ${change.name}.`)
  if (kind !== 'index' && kind !== 'fulltext')
    return cannot(`${change.name} is a unique key of model ${model.name}.`)
  const columns = keys.map(
    ({ field }) => model.fields.find((candidate) => candidate.name === field)?.column ?? field,
  )
  const dropped = [...change.index.keys.map(({ column }) => column), ...(change.index.include ?? [])]
  if (
    columns.length !== dropped.length ||
    columns.some((column, at) => !isSameName(facts, column, dropped[at] ?? ''))
  ) {
    return cannot(
      `The index ${change.name} of model ${model.name} has different columns than the index of the database.`,
    )
  }
  if (found.hasComment)
    return cannot(`The line of the index ${change.name} of model ${model.name} has a comment.`)
  const line = file.content.slice(found.lines.start, found.lines.end).trim()
  const content = removeAttribute(file.content, model, found)
  return {
    files: replaced(files, { ...file, content }),
    patched: { change, path: file.path, line, notes: [] },
  }
}

/**
 * The model whose index has the name: a model of the same schema, or of the same table if index names are
 * unique per table.
 */
function nameTaken(
  name: string,
  model: PrismaModel,
  schema: PrismaSchema,
  facts: DatabaseFacts,
): string | undefined {
  const isPerTable = facts.product === 'mysql' || facts.product === 'mariadb'
  return schema.models
    .filter((other) => (isPerTable ? other === model : (other.schema ?? '') === (model.schema ?? '')))
    .find((other) => indexesOf(other).some((index) => isSameName(facts, index.name, name)))?.name
}

function sqlOf(change: SchemaChange, facts: DatabaseFacts): readonly string[] {
  return changeProblem(change, facts) === undefined
    ? schemaChangeSql(change, facts).steps.map(({ sql }) => sql)
    : []
}

function replaced(files: readonly SchemaFile[], file: SchemaFile): readonly SchemaFile[] {
  return files.map((other) => (other.path === file.path ? file : other))
}

function cannot(why: string): { readonly why: string; readonly canMigrate: boolean } {
  return { why, canMigrate: false }
}

/** The order in which `prisma format` puts the attributes of a model. */
const ORDER: Readonly<Record<string, number>> = { id: 0, unique: 1, index: 2, fulltext: 3 }

/** The file with an additional attribute in a model, at the position where `prisma format` would put it. */
function insertAttribute(text: string, model: PrismaModel, kind: PrismaIndex['kind'], line: string): string {
  const indent = indentOf(text, model)
  const rank = (attribute: PrismaAttribute) => ORDER[attribute.kind] ?? 4
  const before = model.attributes.findLast((attribute) => rank(attribute) <= (ORDER[kind] ?? 4))
  if (before !== undefined) {
    const at = before.lines.end
    return `${text.slice(0, at)}${lineBreakAt(text, at)}${indent}${line}${text.slice(at)}`
  }
  const next = model.attributes[0]
  if (next !== undefined) {
    const at = commentAbove(text, model, next.lines.start)
    return `${text.slice(0, at)}${indent}${line}${lineBreakAt(text, next.lines.end)}${text.slice(at)}`
  }
  const at = lineStart(text, model.body.end)
  const lineBreak = lineBreakAt(text, previousLineEnd(text, at))
  const blank = isBlankLine(text, lineStart(text, previousLineEnd(text, at)), at) ? '' : lineBreak
  return `${text.slice(0, at)}${blank}${indent}${line}${lineBreak}${text.slice(at)}`
}

/** The file without an attribute of a model. If a blank line would then end the model, it is removed too. */
function removeAttribute(text: string, model: PrismaModel, { lines }: PrismaAttribute): string {
  const end = lines.end + lineBreakAt(text, lines.end).length
  const above = lineStart(text, previousLineEnd(text, lines.start))
  const isLast = text.slice(end, model.body.end).trim() === ''
  const start =
    isLast && above > model.body.start && isBlankLine(text, above, lines.start) ? above : lines.start
  return text.slice(0, start) + text.slice(end)
}

function indentOf(text: string, { body }: PrismaModel): string {
  return /\n([ \t]+)\S/.exec(text.slice(body.start, body.end))?.[1] ?? '  '
}

function lineBreakAt(text: string, at: number): string {
  return text.startsWith('\r\n', at) ? '\r\n' : '\n'
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

/** The position before the line break that precedes a line's start. */
function previousLineEnd(text: string, start: number): number {
  return text[start - 2] === '\r' ? start - 2 : start - 1
}

function isBlankLine(text: string, start: number, end: number): boolean {
  return text.slice(start, end).trim() === ''
}

/** Start of the comment lines directly above a line, which describe it. */
function commentAbove(text: string, { body }: PrismaModel, start: number): number {
  let at = start
  for (;;) {
    const above = lineStart(text, previousLineEnd(text, at))
    if (above <= body.start || !/^[ \t]*\/\//.test(text.slice(above, at))) return at
    at = above
  }
}

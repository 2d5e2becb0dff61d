import type { DatabaseFacts } from '@sluice/core/database'
import type { PrismaAttribute, PrismaField, PrismaModel, SchemaFile } from './prisma-model.ts'
import { readFieldKey, readPrismaIndex } from './read-prisma-index.ts'
import { blocksIn, insideOf, maskSchema, type Span, setting, strings } from './schema-text.ts'

/** Contents of the schema files that matter for indexes. */
export interface PrismaSchema {
  readonly models: readonly PrismaModel[]
  /** From the `datasource` block: `postgresql`. */
  readonly provider?: string
  readonly previewFeatures: ReadonlySet<string>
  /** Why the schema cannot be read, as a sentence. */
  readonly problem?: string
}

type Facts = Pick<DatabaseFacts, 'product'>

/** Reads a schema from its source. Constructs that are not understood are skipped, never guessed. */
export function readPrismaSchema(files: readonly SchemaFile[], facts: Facts): PrismaSchema {
  const models: PrismaModel[] = []
  const previewFeatures = new Set<string>()
  let provider: string | undefined
  for (const { path, content } of files) {
    const mask = maskSchema(content)
    for (const { kind, name, body } of blocksIn(mask)) {
      if (body === undefined)
        return {
          models: [],
          previewFeatures,
          problem: `${path}: the braces of ${kind} ${name} do not match.`,
        }
      if (kind === 'datasource') provider = setting(content, mask, body, 'provider')?.[0] ?? provider
      else if (kind === 'generator')
        for (const feature of setting(content, mask, body, 'previewFeatures') ?? [])
          previewFeatures.add(feature)
      else if (kind === 'model') models.push(readModel(path, name, content, mask, body, facts))
    }
  }
  return { models, previewFeatures, ...(provider === undefined ? {} : { provider }) }
}

function readModel(
  path: string,
  name: string,
  text: string,
  mask: string,
  body: Span,
  facts: Facts,
): PrismaModel {
  const lines = logicalLines(mask, body)
  const textOf = (kind: string) => {
    const line = lines.find((span) => attributeKind(mask, span) === kind)
    return line === undefined ? undefined : firstString(text, mask, line)
  }
  const table = textOf('map') ?? name
  const schema = textOf('schema')
  const columns = new Map<string, string>()
  const owner = { table, columnOf: (field: string) => columns.get(field) ?? field }
  const isField = (line: Span) => /^\s*[A-Za-z][\w-]*[ \t]+[A-Za-z]/.test(mask.slice(line.start, line.end))
  for (const line of lines.filter(isField)) {
    const { field, column } = fieldName(text, mask, line)
    columns.set(field, column)
  }
  return {
    path,
    name,
    body,
    table,
    ...(schema === undefined ? {} : { schema }),
    fields: lines.filter(isField).map((line) => readField(text, mask, line, owner, facts)),
    attributes: lines.flatMap((line) => {
      const kind = attributeKind(mask, line)
      return kind === undefined ? [] : [readAttribute(kind, text, mask, line, owner, facts)]
    }),
  }
}

function readField(
  text: string,
  mask: string,
  line: Span,
  owner: Parameters<typeof readFieldKey>[5],
  facts: Facts,
): PrismaField {
  const masked = mask.slice(line.start, line.end)
  const [, type = '', list] = /^\s*[\w-]+[ \t]+([\w-]+)(?:\([^)]*\))?(\[\])?/.exec(masked) ?? []
  const nativeType = /@db\.(\w+)/.exec(masked)?.[1]
  const { field, column } = fieldName(text, mask, line)
  const keys = [...masked.matchAll(/(?<!@)@(id|unique)\b(\s*\()?/g)].map((found) => {
    const kind = found[1] as 'id' | 'unique'
    const at = line.start + found.index
    const inside = found[2] === undefined ? undefined : insideOf(mask, { start: at, end: line.end }, '(')
    return readFieldKey(kind, field, text, mask, inside, owner, facts)
  })
  return {
    name: field,
    type,
    isList: list !== undefined,
    column,
    keys,
    ...(nativeType === undefined ? {} : { nativeType }),
  }
}

function fieldName(
  text: string,
  mask: string,
  line: Span,
): { readonly field: string; readonly column: string } {
  const masked = mask.slice(line.start, line.end)
  const field = /^\s*([\w-]+)/.exec(masked)?.[1] ?? ''
  const map = /(?<!@)@map\s*\(/.exec(masked)
  const column =
    map === null ? undefined : firstString(text, mask, { start: line.start + map.index, end: line.end })
  return { field, column: column ?? field }
}

function readAttribute(
  kind: string,
  text: string,
  mask: string,
  lines: Span,
  owner: Parameters<typeof readPrismaIndex>[4],
  facts: Facts,
): PrismaAttribute {
  const isIndex = kind === 'index' || kind === 'unique' || kind === 'id' || kind === 'fulltext'
  const inside = isIndex ? insideOf(mask, lines, '(') : undefined
  const index =
    isIndex && inside !== undefined ? readPrismaIndex(kind, text, mask, inside, owner, facts) : undefined
  const blanked = mask.slice(lines.start, lines.end).trim()
  const hasComment = text.slice(lines.start, lines.end).trim().length > blanked.length
  return { kind, lines, hasComment, ...(index === undefined ? {} : { index }) }
}

function attributeKind(mask: string, line: Span): string | undefined {
  return /^\s*@@(\w+)/.exec(mask.slice(line.start, line.end))?.[1]
}

/**
 * Lines of a block; lines within brackets belong to the line that opened them. Without the line break at the
 * end.
 */
function logicalLines(mask: string, { start, end }: Span): Span[] {
  const lines: Span[] = []
  let depth = 0
  let from = start
  for (let at = start; at < end; at += 1) {
    const character = mask[at]
    if (character === '(' || character === '[') depth += 1
    else if (character === ')' || character === ']') depth = Math.max(0, depth - 1)
    else if (character === '\n' && depth === 0) {
      lines.push({ start: from, end: mask[at - 1] === '\r' ? at - 1 : at })
      from = at + 1
    }
  }
  if (mask.slice(from, end).trim() !== '') lines.push({ start: from, end })
  return lines
}

function firstString(text: string, mask: string, span: Span): string | undefined {
  return strings(text, mask, span)[0]
}

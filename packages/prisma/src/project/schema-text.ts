/**
 * An unclosed string or comment extends to the end of its line, or of the source, so that nothing is scanned
 * twice.
 */
const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.?)*"?|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g

/**
 * The source of a Prisma schema with comments blanked and strings filled, at equal length: in the result, all
 * braces, brackets, commas and `@` are structure, and offsets equal those in the source.
 */
export function maskSchema(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) =>
    /^".*"$/.test(found) && found.length > 1 ? `"${'x'.repeat(found.length - 2)}"` : blank(found),
  )
}

/** The source of a Prisma schema with comments blanked, at equal length. */
function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : blank(found)))
}

function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ')
}

/** A range of the schema: start and end offsets, in the source and in its mask. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** One argument: `fields: [a, b]`, or without a name. */
export interface Argument {
  readonly name?: string
  readonly value: Span
}

/** The parts between commas that are outside nested brackets. Empty parts are omitted. */
export function splitArguments(mask: string, { start, end }: Span): Argument[] {
  const parts: Argument[] = []
  let depth = 0
  let from = start
  for (let at = start; at <= end; at += 1) {
    const character = at === end ? ',' : mask[at]
    if (character === '(' || character === '[' || character === '{') depth += 1
    else if (character === ')' || character === ']' || character === '}') depth -= 1
    else if (character === ',' && (depth === 0 || at === end)) {
      if (mask.slice(from, at).trim() !== '') parts.push(argument(mask, { start: from, end: at }))
      from = at + 1
    }
  }
  return parts
}

/** The content of the first brackets of that kind, or `undefined`. */
export function insideOf(mask: string, { start, end }: Span, open: '(' | '['): Span | undefined {
  const first = mask.indexOf(open, start)
  if (first < 0 || first >= end) return undefined
  let depth = 0
  for (let at = first; at < end; at += 1) {
    const character = mask[at]
    if (character === '(' || character === '[' || character === '{') depth += 1
    else if (character === ')' || character === ']' || character === '}') depth -= 1
    if (depth === 0) return { start: first + 1, end: at }
  }
  return undefined
}

function argument(mask: string, { start, end }: Span): Argument {
  const text = mask.slice(start, end)
  const name = /^\s*(\w+)\s*:/.exec(text)
  const from = start + (name?.[0].length ?? 0)
  const blank = /^\s*/.exec(mask.slice(from, end))?.[0].length ?? 0
  const value = { start: from + blank, end: start + text.trimEnd().length }
  return name?.[1] === undefined ? { value } : { name: name[1], value }
}

/** The value of a string literal in the schema. */
export function unquote(literal: string): string {
  try {
    const value: unknown = JSON.parse(literal)
    if (typeof value === 'string') return value
  } catch {
    // JSON does not have this escape, so return the source of the literal.
  }
  return literal.replace(/^"|"$/g, '')
}

/** A block of a Prisma schema: `model User { … }`. */
export interface SchemaBlock {
  readonly kind: string
  readonly name: string
  /** The source between its braces, with comments blanked. */
  readonly text: string
  /** The first string of a setting: `name = "…"`. */
  setting(name: string): string | undefined
}

/** The blocks of a schema, up to one whose braces do not match. */
export function readBlocks(schema: string): SchemaBlock[] {
  const mask = maskSchema(schema)
  const text = withoutComments(schema)
  return [...blocksIn(mask)].flatMap(({ kind, name, body }) =>
    body === undefined
      ? []
      : [
          {
            kind,
            name,
            text: text.slice(body.start, body.end),
            setting: (key) => setting(schema, mask, body, key)?.[0],
          },
        ],
  )
}

interface BlockSpan {
  readonly kind: string
  readonly name: string
  /** Between its braces. `undefined`: they do not match, so the rest of the schema cannot be read. */
  readonly body: Span | undefined
}

/** The blocks of a schema, in order. Each character is read once: blocks do not nest. */
export function* blocksIn(mask: string): Generator<BlockSpan> {
  const head = /^[ \t]*(\w+)[ \t]+([\w-]+)[ \t]*\{/gm
  for (let found = head.exec(mask); found !== null; found = head.exec(mask)) {
    const [, kind = '', name = ''] = found
    const start = head.lastIndex
    const end = closingBrace(mask, start)
    if (end === undefined) {
      yield { kind, name, body: undefined }
      return
    }
    yield { kind, name, body: { start, end } }
    head.lastIndex = end
  }
}

function closingBrace(mask: string, start: number): number | undefined {
  let depth = 1
  for (let at = start; at < mask.length; at += 1) {
    if (mask[at] === '{') depth += 1
    else if (mask[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return undefined
}

/** The strings of `name = "…"` or `name = ["…", "…"]`. */
export function setting(
  text: string,
  mask: string,
  { start, end }: Span,
  name: string,
): string[] | undefined {
  const found = new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(\\[[^\\][]*\\]|"x*")`, 'm').exec(
    mask.slice(start, end),
  )
  if (found === null) return undefined
  const at = start + found.index
  return strings(text, mask, { start: at, end: at + found[0].length })
}

/** The strings within a range. */
export function strings(text: string, mask: string, { start, end }: Span): string[] {
  return [...mask.slice(start, end).matchAll(/"x*"/g)].map(({ 0: found, index }) =>
    unquote(text.slice(start + index, start + index + found.length)),
  )
}

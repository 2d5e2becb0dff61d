import { unquote } from './read-prisma-index.ts'
import { maskSchema, type Span, withoutComments } from './schema-text.ts'

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

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
export function withoutComments(text: string): string {
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

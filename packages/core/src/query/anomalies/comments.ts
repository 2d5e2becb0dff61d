import type { Token } from '../../sql/tokenize.ts'

export interface Comment {
  readonly isLine: boolean
  /** What it says. */
  readonly text: string
  /** The token before it; `undefined` where it comes first. */
  readonly before: Token | undefined
  /** Whether nothing follows, not even a line break. */
  readonly isLast: boolean
}

/** The comments of a text that was split into tokens: they lie in the gaps. */
export function commentsOf(sql: string, tokens: readonly Token[]): Comment[] {
  const found: Comment[] = []
  let from = 0
  for (let index = 0; index <= tokens.length; index++) {
    const to = tokens[index]?.start ?? sql.length
    if (to - from > 1) readGap(sql, from, to, tokens[index - 1], found)
    from = tokens[index]?.end ?? to
  }
  return found
}

function readGap(sql: string, from: number, to: number, before: Token | undefined, found: Comment[]): void {
  for (let at = from; at < to; ) {
    const isBlock = sql.startsWith('/*', at)
    if (!isBlock && sql[at] !== '#' && !sql.startsWith('--', at)) {
      at++
      continue
    }
    const end = isBlock ? blockEnd(sql, at, to) : lineEnd(sql, at, to)
    const text = sql.slice(at + (sql[at] === '#' ? 1 : 2), isBlock ? end - 2 : end)
    found.push({ isLine: !isBlock, text, before, isLast: end === sql.length })
    at = end
  }
}

function blockEnd(sql: string, at: number, limit: number): number {
  // Where comments nest, the gap holds the whole of it; what is inside is still no code.
  const end = sql.indexOf('*/', at + 2)
  return end < 0 || end + 2 > limit ? limit : end + 2
}

function lineEnd(sql: string, at: number, limit: number): number {
  const end = sql.indexOf('\n', at)
  return end < 0 || end > limit ? limit : end
}

const leftovers = /^[\s+-]*(?:$|['"`),;%]|(?:and|or|order|limit|group|having|where|union|returning|offset)\b)/i

/** Whether a comment looks as if it was put there to cut off what its statement went on with. */
export function isTruncation({ isLine, text, before, isLast }: Comment): boolean {
  if (!isLine || before === undefined || before.kind === 'parameter') return false
  const isAfterValue = before.kind === 'string' || before.kind === 'number'
  if (isLast && leftovers.test(text)) return true
  // A statement of several lines goes on after it; the quote that was cut off tells.
  const quote = /^[\s+-]*(['"])/.exec(text)?.[1]
  return quote !== undefined && (isAfterValue || before.text === ')' || before.text === ';') && text.split(quote).length % 2 === 0
}

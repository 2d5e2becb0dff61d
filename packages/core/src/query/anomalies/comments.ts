import type { Token } from '../../sql/tokenize.ts'

export interface Comment {
  readonly isLine: boolean
  /** Its content. */
  readonly text: string
  /** The token before it; `undefined` if there is none. */
  readonly before: Token | undefined
  /** Whether nothing follows it, not even a line break. */
  readonly isLast: boolean
}

/** Returns the comments of a statement that was split into tokens: they are in the gaps between tokens. */
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
  // If comments can be nested, the gap contains the whole comment. Its content is still not code.
  const end = sql.indexOf('*/', at + 2)
  return end < 0 || end + 2 > limit ? limit : end + 2
}

function lineEnd(sql: string, at: number, limit: number): number {
  const end = sql.indexOf('\n', at)
  return end < 0 || end > limit ? limit : end
}

const leftovers =
  /^[\s+-]*(?:$|['"`),;%]|(?:and|or|order|limit|group|having|where|union|returning|offset)\b)/i

/** Whether a comment looks as if it was inserted to cut off the rest of its statement. */
export function isTruncation({ isLine, text, before, isLast }: Comment): boolean {
  if (!isLine || before === undefined || before.kind === 'parameter') return false
  const isAfterValue = before.kind === 'string' || before.kind === 'number'
  if (isLast && leftovers.test(text)) return true
  // A statement of several lines continues after the comment. An unpaired quote shows that something was cut
  // off.
  const quote = /^[\s+-]*(['"])/.exec(text)?.[1]
  return (
    quote !== undefined &&
    (isAfterValue || before.text === ')' || before.text === ';') &&
    text.split(quote).length % 2 === 0
  )
}

import type { Range } from '../../sql/token-map.ts'
import type { Token } from '../../sql/tokenize.ts'

/** `a`, `"a"`, `t.a`, `s.t.a`. */
export function isName(tokens: readonly Token[]): boolean {
  return (
    tokens.every(({ kind, text }, at) => (at % 2 === 0 ? isNamePart(kind) : text === '.')) &&
    tokens.length % 2 === 1
  )
}

export function isNamePart(kind: Token['kind'] | undefined): boolean {
  return kind === 'word' || kind === 'quoted'
}

/** Returns a comparison without the parentheses around it. */
export function withoutParentheses({ start, end }: Range, tokens: readonly Token[]): Range {
  let from = start
  let to = end
  const is = (at: number, text: string) => tokens[at]?.kind === 'symbol' && tokens[at]?.text === text
  // Within a condition `column = parameter`, an opening parenthesis at the start is closed at the end.
  while (to - from > 2 && is(from, '(') && is(to - 1, ')')) {
    from += 1
    to -= 1
  }
  return { start: from, end: to }
}

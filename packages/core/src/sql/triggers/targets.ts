import { isSymbolToken, type Token } from '../tokenize.ts'

/**
 * The indexes of the first tokens of the names after a word such as INTO: `INTO [STRICT] a, b.c, d`.
 *
 * @param at - Index of the word.
 */
export function targetsAfter(tokens: readonly Token[], at: number): number[] {
  const targets: number[] = []
  let next = tokens[at + 1]?.upper === 'STRICT' ? at + 2 : at + 1
  while (isName(tokens[next]) || tokens[next]?.kind === 'parameter') {
    targets.push(next)
    while (isSymbolToken(tokens[next + 1], '.') && isName(tokens[next + 2])) next += 2
    if (!isSymbolToken(tokens[next + 1], ',')) break
    next += 2
  }
  return targets
}

function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted'
}

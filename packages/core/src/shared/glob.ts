const ANY_RUN = -1
const ANY_ONE = -2

/**
 * Compiles a glob to a predicate for whole strings. `*` matches any number of characters, including none; `?`
 * matches exactly one (UTF-16 code unit); `\` escapes the next character; every other character, such as `.`
 * and `[`, matches itself.
 *
 * Backtracks at most to the last `*` (the greedy two-pointer algorithm): at worst string × pattern steps.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const tokens = tokenize(pattern)
  return (text) => matches(tokens, text)
}

/** The literal text that every match of a glob begins with, up to its first `*` or `?`. */
export function literalPrefix(pattern: string): string {
  let prefix = ''
  for (const token of tokenize(pattern)) {
    if (token < 0) break
    prefix += String.fromCharCode(token)
  }
  return prefix
}

function tokenize(pattern: string): readonly number[] {
  const tokens: number[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]
    if (character === '*') {
      if (tokens.at(-1) !== ANY_RUN) tokens.push(ANY_RUN)
    } else if (character === '?') {
      tokens.push(ANY_ONE)
    } else {
      // A backslash at the very end has nothing to escape and means itself.
      if (character === '\\' && at + 1 < pattern.length) at++
      tokens.push(pattern.charCodeAt(at))
    }
  }
  return tokens
}

function matches(tokens: readonly number[], text: string): boolean {
  let token = 0
  let at = 0
  let afterRun = -1
  let runEnd = 0
  while (at < text.length) {
    const expected = tokens[token]
    if (expected === ANY_RUN) {
      token++
      afterRun = token
      runEnd = at
      if (token === tokens.length) return true
    } else if (expected === ANY_ONE || expected === text.charCodeAt(at)) {
      token++
      at++
    } else if (afterRun >= 0) {
      // Only the latest run has to grow: what an earlier one could take, this one can take as well.
      runEnd++
      token = afterRun
      at = runEnd
    } else {
      return false
    }
  }
  return token === tokens.length || (token === tokens.length - 1 && tokens[token] === ANY_RUN)
}

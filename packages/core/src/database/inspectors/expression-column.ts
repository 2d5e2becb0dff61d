import type { Dialect } from '../../sql/dialect.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'

/** The first column that an expression of an index names; `''` where none is found. */
export function columnWithin(expression: string, columns: readonly string[], dialect: Dialect): string {
  const fold = (name: string) => (dialect === 'postgresql' ? name : name.toLowerCase())
  const known = new Map(columns.map((name) => [fold(name), name]))
  try {
    const tokens = tokenize(expression, dialect)
    for (const [at, { kind, text }] of tokens.entries()) {
      if (kind !== 'word' && kind !== 'quoted') continue
      const name = known.get(fold(text))
      const isCall = kind === 'word' && tokens[at + 1]?.text === '('
      if (name !== undefined && !isCall) return name
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
  }
  return ''
}

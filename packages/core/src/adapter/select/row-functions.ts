import { isSymbolToken, type Token } from '../../sql/tokenize.ts'

/** Functions of PostgreSQL that return several rows, among those that certainly only compute. */
const ROW_FUNCTIONS = new Set(
  `UNNEST GENERATE_SERIES REGEXP_MATCHES JSON_EACH JSONB_EACH JSON_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS_TEXT`.split(
    ' ',
  ),
)

/** Whether a statement calls a function that can turn one row into several. */
export function returnsRows(tokens: readonly Token[]): boolean {
  return tokens.some(({ upper }, at) => ROW_FUNCTIONS.has(upper) && isSymbolToken(tokens[at + 1], '('))
}

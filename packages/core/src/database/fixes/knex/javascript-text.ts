/** A string as a literal: with single quotes where that reads well. */
export function literal(text: string): string {
  if (/^[^'\\\p{Cc}\u2028\u2029]*$/u.test(text)) return `'${text}'`
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}

/** A statement for `knex.raw`, which takes a `?` for a binding. */
export function rawLiteral(sql: string): string {
  return literal(sql.replaceAll('?', '\\?'))
}

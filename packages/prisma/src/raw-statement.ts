/** The text of a raw query's arguments, however Prisma was given them; `undefined` when it cannot be told. */
export function rawText(args: unknown): string | undefined {
  if (Array.isArray(args)) return rawText(args[0])
  if (typeof args === 'string') return args
  if (typeof args !== 'object' || args === null) return undefined
  const { sql, strings, query } = args as Record<string, unknown>
  if (typeof sql === 'string') return sql
  if (typeof query === 'string') return query
  // A template's pieces; what stands between them is bound.
  return Array.isArray(strings) && strings.every((piece) => typeof piece === 'string') ? strings.join('?') : undefined
}

import type { DatabaseFacts } from '../database-facts.ts'
import type { PrismaField } from './prisma-model.ts'

/**
 * Why Prisma would find a partial index different from the schema's line, each time it compares them: PostgreSQL writes a condition in its own
 * way (`'a'::text`, `'-5'::integer`), of which Prisma undoes the simplest. `undefined`: it finds no difference.
 */
export function conditionProblem(
  where: string,
  fields: readonly PrismaField[],
  { product }: Pick<DatabaseFacts, 'product'>,
): string | undefined {
  if (product !== 'postgresql') return undefined
  for (const term of withoutParentheses(where).split(/\s+AND\s+/i)) {
    const [, column, comparison] = /^(?:NOT\s+)?("(?:[^"]|"")+"|[A-Za-z_]\w*)\s*(.*)$/s.exec(term) ?? []
    const name = column?.startsWith('"') === true ? column.slice(1, -1).replaceAll('""', '"') : column
    const field = fields.find((candidate) => candidate.column === name)
    if (field === undefined || comparison === undefined || !isPlain(comparison, field)) {
      return `Prisma would find the condition ${term} different from what PostgreSQL makes of it, and build the index anew with every migration.`
    }
  }
  return undefined
}

function isPlain(comparison: string, field: PrismaField): boolean {
  if (comparison === '' || /^IS\s+(NOT\s+)?(NULL|TRUE|FALSE)$/i.test(comparison)) return true
  const [, literal] = /^(?:=|<>|<=|>=|<|>)\s*(.+)$/s.exec(comparison) ?? []
  if (literal === undefined) return false
  if (/^\d+(\.\d+)?$|^(true|false)$/i.test(literal)) return true
  // Other types of text, and times, come back with a cast.
  const isText = field.nativeType === undefined ? !isBuiltIn(field.type) || field.type === 'String' : field.nativeType === 'Text'
  return isText && /^'[^']*'$/.test(literal)
}

/** A type that is no enum. */
function isBuiltIn(type: string): boolean {
  return ['String', 'Int', 'BigInt', 'Float', 'Decimal', 'Boolean', 'DateTime', 'Json', 'Bytes', 'Unsupported'].includes(type)
}

function withoutParentheses(where: string): string {
  const trimmed = where.trim()
  const inside = /^\(([^()]*)\)$/.exec(trimmed)?.[1]
  return inside === undefined ? trimmed : inside.trim()
}

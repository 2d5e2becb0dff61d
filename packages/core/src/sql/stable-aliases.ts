import type { Dialect } from './dialect.ts'
import { isSymbolToken, type Token } from './tokenize.ts'
import type { ParsedSql } from './tree/parsed-sql.ts'
import { statementBlocks } from './tree/statement-blocks.ts'

/** A statement in which quoted names that look random have stable names instead. */
export interface RenamedSql {
  readonly text: string
  readonly names: ReadonlySet<string>
  /** Number of places where one of them stands. */
  readonly places: number
}

const PREFIX = 'sluice_'
const HAS_UUID = /"[0-9a-f]{8}[-_][0-9a-f]{4}[-_]/
const UUID = /^[0-9a-f]{8}([-_])(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}$/
/** Without backslashes, comments and dollar quotes, nothing else can contain a quote. */
const QUOTED = /'[^']*'|"([^"]*)"/g
const OTHER_QUOTES = /\\|--|\/\*|\$[^\d\s]|&['"]/
/** In SQLite, names can also be in brackets and backticks. */
const OTHER_NAMES = /[[`]/

/**
 * Gives stable names to the UUIDs among the quoted names of a statement: some ORMs generate a new alias for
 * each query, so that no two statements are equal. Two statements with the same text then do the same if the
 * names are aliases only: see {@link areAliases}.
 *
 * @returns `undefined` if there are none, or if the text cannot be split for certain.
 */
export function renameRandomAliases(sql: string, dialect: Dialect): RenamedSql | undefined {
  if (dialect === 'mysql' || !HAS_UUID.test(sql)) return undefined
  if (OTHER_QUOTES.test(sql) || sql.includes(PREFIX)) return undefined
  if (dialect === 'sqlite' && OTHER_NAMES.test(sql)) return undefined
  const stable = new Map<string, string>()
  let places = 0
  const text = sql.replace(QUOTED, (quoted: string, name: string | undefined) => {
    if (name === undefined || !UUID.test(name)) return quoted
    let alias = stable.get(name)
    if (alias === undefined) {
      alias = `${PREFIX}${stable.size + 1}`
      stable.set(name, alias)
    }
    places += 1
    return `"${alias}"`
  })
  return places === 0 ? undefined : { text, names: new Set(stable.values()), places }
}

/** Words before a name that may be that of a type, a collation or an operator. */
const BEFORE_OTHERS: ReadonlySet<string> = new Set(['AS', 'COLLATE', 'OF', 'OPERATOR'])

/**
 * Whether the names are nothing but aliases of tables and subqueries in a SELECT, each declared in FROM and
 * otherwise used only as a qualifier of a column: then the statement does the same with any other names.
 *
 * @param parsed - The statement with these names.
 */
export function areAliases(parsed: ParsedSql, { names, places }: Omit<RenamedSql, 'text'>): boolean {
  const { tokens, kinds, statements, changes, reads, opaque, incomplete } = parsed
  if (statements !== 1 || changes.length > 0 || opaque !== undefined || incomplete !== undefined) return false
  if (!kinds.every((kind) => kind === 'SELECT')) return false
  if (reads.some((parts) => parts.some((part) => names.has(part)))) return false
  const declared = new Set<string>()
  let declarations = 0
  for (const { from } of statementBlocks(parsed)) {
    for (const { alias } of from) {
      if (!names.has(alias)) continue
      declared.add(alias)
      declarations += 1
    }
  }
  let [qualifiers, others] = [0, 0]
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'word' && token.upper === 'OPERATOR') return false
    if (token.kind !== 'quoted' || !names.has(token.text)) continue
    if (!declared.has(token.text)) return false
    if (isQualifier(tokens, at)) qualifiers += 1
    else if (
      isSymbolToken(tokens[at - 1], '.') ||
      ['.', '('].some((text) => isSymbolToken(tokens[at + 1], text))
    )
      return false
    else others += 1
  }
  // A name that is written elsewhere could be that of an output, or stand for a whole row.
  return others === declarations && qualifiers + others === places
}

/** Whether a name qualifies a column: `"name"."column"`, `"name".*`. */
function isQualifier(tokens: readonly Token[], at: number): boolean {
  const [before, dot, column, after] = [tokens[at - 1], tokens[at + 1], tokens[at + 2], tokens[at + 3]]
  if (!isSymbolToken(dot, '.') || column === undefined) return false
  const isColumn = column.kind === 'word' || column.kind === 'quoted' || isSymbolToken(column, '*')
  if (!isColumn || isSymbolToken(after, '(') || isSymbolToken(after, '.') || after?.kind === 'string')
    return false
  if (isSymbolToken(before, '.') || isSymbolToken(before, '::')) return false
  return !(before?.kind === 'word' && BEFORE_OTHERS.has(before.upper))
}

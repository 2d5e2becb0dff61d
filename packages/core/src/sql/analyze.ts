import { LRUCache } from 'lru-cache'
import { OWN_STATEMENT } from '../shared/own-statement.ts'
import type { Dialect } from './dialect.ts'
import { fingerprint, hashShape } from './fingerprint.ts'
import { areAliases, type RenamedSql, renameRandomAliases } from './stable-aliases.ts'
import { statementOf, unreadable } from './statement.ts'
import type { Statement } from './statement-types.ts'
import { SqlSyntaxError } from './syntax-error.ts'
import { MAX_SQL_LENGTH, type Token, tokenize } from './tokenize.ts'
import { parseSql } from './tree/read-sql.ts'

/** Everything that Sluice reads from a SQL statement. */
export interface AnalyzedSql {
  readonly statement: Statement
  /** The statement without its values; for a very long statement its beginning, and `…`. */
  readonly shape: string
  /** The shape's hash, 16 hexadecimal digits. */
  readonly fingerprint: string
  /**
   * Set only if the statement contains random aliases: its text with stable ones, which does the same. The
   * analysis applies to each statement that differs only in these aliases.
   */
  readonly text?: string
}

const MAX_TEXTS = 5_000
const MAX_TEXT_LENGTH = 20_000
/**
 * Maximum total length of the cached statements of a dialect. The analysis of a statement takes several times
 * its length in memory.
 */
const MAX_CHARACTERS = 2_500_000
/** Each component that counts and reports shapes stores them separately. */
const MAX_SHAPE_LENGTH = 5_000

/** The same for longer statements, which would evict all others. Several components analyze each of them. */
const MAX_LONG_CHARACTERS = 2 * MAX_SQL_LENGTH
const MAX_LONG_TEXTS = MAX_LONG_CHARACTERS / MAX_TEXT_LENGTH

/** Number of statements with random aliases that are cached: each is looked up several times. */
const MAX_RENAMED = 64

interface AnalyzedTexts {
  readonly short: LRUCache<string, AnalyzedSql>
  readonly long: LRUCache<string, AnalyzedSql>
  /** Statements with random aliases. */
  readonly renamed: LRUCache<string, AnalyzedSql>
}

const textsByDialect: Partial<Record<Dialect, AnalyzedTexts>> = {}

/**
 * Created with the first statement of a dialect, because the cache allocates memory for 5,000 entries
 * immediately.
 */
function textsOf(dialect: Dialect): AnalyzedTexts {
  const known = textsByDialect[dialect]
  if (known !== undefined) return known
  const sizeCalculation = (_: AnalyzedSql, sql: string) => sql.length + 1
  const created = {
    short: new LRUCache<string, AnalyzedSql>({ max: MAX_TEXTS, maxSize: MAX_CHARACTERS, sizeCalculation }),
    long: new LRUCache<string, AnalyzedSql>({
      max: MAX_LONG_TEXTS,
      maxSize: MAX_LONG_CHARACTERS,
      sizeCalculation,
    }),
    renamed: new LRUCache<string, AnalyzedSql>({ max: MAX_RENAMED }),
  }
  textsByDialect[dialect] = created
  return created
}

/**
 * Analyzes which tables a SQL string reads and writes, and its shape. Never throws: a string that cannot be
 * read is opaque. The last 5,000 strings of each dialect are cached, up to 2,500,000 characters in total, and
 * strings of more than 20,000 characters up to 500,000 characters in total.
 */
export function analyzeSql(sql: string, dialect: Dialect): AnalyzedSql {
  // Its analysis is the same for each, and looking it up takes as long as its length.
  if (sql.length > MAX_SQL_LENGTH) return analyze(sql, dialect)
  const { short, long, renamed } = textsOf(dialect)
  const texts = sql.length <= MAX_TEXT_LENGTH ? short : long
  const known = texts.get(sql)
  if (known !== undefined) return known
  const recent = renamed.get(sql)
  if (recent !== undefined) return recent
  const aliased = renameRandomAliases(sql, dialect)
  if (aliased !== undefined) {
    let stable = texts.get(aliased.text)
    if (stable === undefined) {
      stable = analyzeRenamed(aliased, dialect)
      texts.set(aliased.text, stable)
    }
    if (stable.text !== undefined) {
      renamed.set(sql, stable)
      return stable
    }
  }
  const analyzed = analyze(sql, dialect)
  texts.set(sql, analyzed)
  return analyzed
}

/** The analysis of a statement with stable aliases; without `text` if they are not only aliases. */
function analyzeRenamed(renamed: RenamedSql, dialect: Dialect): AnalyzedSql {
  const { text } = renamed
  const analyzed = analyze(text, dialect)
  try {
    return areAliases(parseSql(tokenize(text, dialect), dialect), renamed) ? { ...analyzed, text } : analyzed
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return analyzed
  }
}

function analyze(sql: string, dialect: Dialect): AnalyzedSql {
  let tokens: Token[]
  try {
    tokens = tokenize(sql, dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    // The string can contain values anywhere: only its first word is safe to show.
    const shape = `${/^\s*([A-Za-z]{1,20})/.exec(sql)?.[1] ?? ''} …`.trim()
    return { statement: unreadable(error.message), shape, fingerprint: hashShape(shape) }
  }
  const { shape, fingerprint: hash } = fingerprint(tokens, dialect)
  const statement = statementOf(sql, tokens, dialect)
  const own = sql.startsWith(OWN_STATEMENT) ? { isOwn: true as const } : {}
  return { statement: { ...statement, ...own }, shape: shorten(shape), fingerprint: hash }
}

/** A substring keeps the whole string in memory, unless it is copied. */
function shorten(shape: string): string {
  return shape.length <= MAX_SHAPE_LENGTH
    ? shape
    : `${Buffer.from(shape.slice(0, MAX_SHAPE_LENGTH)).toString()} …`
}

/** Tried in this order: an earlier dialect rarely accepts SQL of a later one with a different meaning. */
const DIALECTS: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']

/** Returns the first dialect that can parse a statement. */
export function likelyDialect(sql: string): Dialect {
  return DIALECTS.find((dialect) => analyzeSql(sql, dialect).statement.opaque === undefined) ?? 'postgresql'
}

import type { CallSite } from '../../pipeline/call-site.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { words } from '../../sql/keywords.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'
import type { Severity } from '../detect/finding.ts'
import { evaluate, isLiteral, isSymbol } from './constants.ts'
import { isGraft } from './union-graft.ts'

/**
 * Why a statement is suspicious. `stacked-statements`: several statements in one string. `tautology`: a
 * condition that is always true. `comment-truncation`: a comment that cuts off the rest. `union-graft`: a
 * UNION with made-up columns. `time-function`: a function that waits. `server-access`: a function that
 * accesses files or programs of the server. `broken-text`: SQL that ends inside a quote, or hides code in a
 * comment. `concatenation`: literals in SQL that otherwise uses parameters.
 */
type AnomalyKind =
  | 'stacked-statements'
  | 'tautology'
  | 'comment-truncation'
  | 'union-graft'
  | 'time-function'
  | 'server-access'
  | 'broken-text'
  | 'concatenation'

/** A sign of SQL injection in one statement. */
export interface Suspicion {
  readonly kind: AnomalyKind
  readonly severity: Severity
  /** A description, without values. */
  readonly why: string
}

/** A normalized query that looks like SQL injection, or is vulnerable to it. */
export interface Anomaly extends Suspicion {
  readonly fingerprint: string
  /** The normalized query, without values. */
  readonly label: string
  /** When it was first seen, in milliseconds since 1970. */
  readonly firstSeen: number
  /** How often it was seen: adapters pass each SQL string once, `analyzeQuery` every time. */
  readonly count: number
  /** Call site of the first execution, if the stack contains it. */
  readonly callSite?: CallSite
}

const queries = words('SELECT INSERT UPDATE DELETE WITH REPLACE MERGE VALUES')
const conditions = words('WHERE AND HAVING')
const waits = words('SLEEP PG_SLEEP PG_SLEEP_FOR PG_SLEEP_UNTIL BENCHMARK')
const reaches = words(`
  LOAD_FILE LOAD_EXTENSION EXTRACTVALUE UPDATEXML XP_CMDSHELL PG_READ_FILE PG_READ_BINARY_FILE PG_LS_DIR LO_IMPORT LO_EXPORT DBLINK
  DBLINK_CONNECT FTS3_TOKENIZER SYS_EXEC SYS_EVAL`)
const beforeNames = words('INTO TABLE REFERENCES ON EXISTS UPDATE JOIN FROM')
/** An app never needs this many random bytes: generating them only takes time. */
const MANY_BYTES = 1_000_000

const STACKED = 'additional statements follow the first'
const TAUTOLOGY = 'a condition that does not depend on any row was added'
const TRUNCATION = 'a comment hides the SQL after a value'
const GRAFT = 'a UNION adds rows from outside the query'
const WAIT = 'it makes the server wait'
const REACH = "it reaches the server's files, programs or error messages"

/** Returns the signs of SQL injection in a statement, each kind once. */
export function inspectSql(
  sql: string,
  dialect: Dialect,
): { readonly tokens: readonly Token[]; readonly suspicions: readonly Suspicion[] } {
  let tokens: Token[]
  try {
    tokens = tokenize(sql, dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    const suspicions: Suspicion[] = isBroken(error.message)
      ? [{ kind: 'broken-text', severity: 'medium', why: error.message }]
      : []
    return { tokens: [], suspicions }
  }
  const found = new Map<Suspicion['kind'], Suspicion>()
  const add = (kind: Suspicion['kind'], severity: Suspicion['severity'], why: string) => {
    if (!found.has(kind)) found.set(kind, { kind, severity, why })
  }
  // Both are searched for at most once, not for every UNION and PROGRAM.
  let where: number | undefined
  let isCopy: boolean | undefined
  const copies = () => {
    isCopy ??= tokens.some(({ upper }, at) => upper === 'COPY' && (at === 0 || isSymbol(tokens[at - 1], ';')))
    return isCopy
  }
  if (isStacked(tokens)) add('stacked-statements', 'high', STACKED)
  if (sql.includes('--') || sql.includes('#')) {
    if (commentsOf(sql, tokens).some(isTruncation)) add('comment-truncation', 'high', TRUNCATION)
  }
  tokens.forEach((token, at) => {
    const { upper } = token
    if (token.kind === 'word') {
      if (upper === 'OR' || conditions.has(upper)) {
        if (isTautology(tokens, at + 1, upper === 'OR')) add('tautology', 'high', TAUTOLOGY)
      } else if (upper === 'UNION') {
        where ??= tokens.findIndex((other) => other.upper === 'WHERE')
        if (where >= 0 && where < at && isGraft(tokens, at)) add('union-graft', 'high', GRAFT)
      } else if (isWait(tokens, at)) add('time-function', 'high', WAIT)
      else if (isReach(tokens, at, copies)) add('server-access', 'high', REACH)
    } else if (isSymbol(token, '|') && dialect === 'mysql' && isSymbol(tokens[at + 1], '|')) {
      if (isTautology(tokens, at + 2, true)) add('tautology', 'high', TAUTOLOGY)
    } else if (
      isLiteral(token) &&
      isSymbol(tokens[at - 1], '=') &&
      isSymbol(tokens[at + 1], '=') &&
      isLiteral(tokens[at + 2])
    ) {
      // `a = '' = ''` compares the result of the first comparison.
      add('tautology', 'high', TAUTOLOGY)
    }
  })
  return { tokens, suspicions: [...found.values()] }
}

/**
 * No library sends such SQL: an inserted value opened a quote or a comment, or code is hidden in a comment.
 */
function isBroken(reason: string): boolean {
  return (
    reason.startsWith('unterminated') ||
    reason === 'executable comment' ||
    reason === 'unexpected character U+0000'
  )
}

function isStacked(tokens: readonly Token[]): boolean {
  if (!queries.has(tokens[0]?.upper ?? '')) return false
  const end = tokens.findIndex((token) => isSymbol(token, ';'))
  return end >= 0 && tokens.slice(end).some((token) => !isSymbol(token, ';'))
}

/**
 * After OR: any condition that is always true. Query builders put theirs in parentheses there: `(1 = 1 AND
 * …)`. Elsewhere: only conditions that query builders do not generate. They generate `1 = 1`, `1 = 0`,
 * `true`.
 */
function isTautology(tokens: readonly Token[], at: number, isAlternative: boolean): boolean {
  const found = evaluate(tokens, at)
  if (found === undefined) return false
  return (isAlternative && found.value) || (found.compares && !found.isBuilders)
}

function isWait(tokens: readonly Token[], at: number): boolean {
  const upper = tokens[at]?.upper ?? ''
  if (upper === 'WAITFOR') return tokens[at + 1]?.upper === 'DELAY' || tokens[at + 1]?.upper === 'TIME'
  if (upper === 'RANDOMBLOB')
    return isSymbol(tokens[at + 1], '(') && Number(tokens[at + 2]?.text) >= MANY_BYTES
  return waits.has(upper) && isCall(tokens, at)
}

function isReach(tokens: readonly Token[], at: number, copies: () => boolean): boolean {
  const upper = tokens[at]?.upper ?? ''
  if (upper === 'INTO') return tokens[at + 1]?.upper === 'OUTFILE' || tokens[at + 1]?.upper === 'DUMPFILE'
  if (upper === 'PROGRAM') return copies()
  return reaches.has(upper) && isCall(tokens, at)
}

/** A name before a parenthesis can also be the name of a table. */
function isCall(tokens: readonly Token[], at: number): boolean {
  return isSymbol(tokens[at + 1], '(') && !beforeNames.has(tokens[at - 1]?.upper ?? '')
}

interface Comment {
  readonly isLine: boolean
  /** Its content. */
  readonly text: string
  /** The token before it; `undefined` if there is none. */
  readonly before: Token | undefined
  /** Whether nothing follows it, not even a line break. */
  readonly isLast: boolean
}

/** Returns the comments of a statement that was split into tokens: they are in the gaps between tokens. */
function commentsOf(sql: string, tokens: readonly Token[]): Comment[] {
  const found: Comment[] = []
  let from = 0
  for (let index = 0; index <= tokens.length; index++) {
    const to = tokens[index]?.start ?? sql.length
    if (to - from > 1) readGap(sql, from, to, tokens[index - 1], found)
    from = tokens[index]?.end ?? to
  }
  return found
}

function readGap(sql: string, from: number, to: number, before: Token | undefined, found: Comment[]): void {
  for (let at = from; at < to; ) {
    const isBlock = sql.startsWith('/*', at)
    if (!isBlock && sql[at] !== '#' && !sql.startsWith('--', at)) {
      at++
      continue
    }
    const end = isBlock ? blockEnd(sql, at, to) : lineEnd(sql, at, to)
    const text = sql.slice(at + (sql[at] === '#' ? 1 : 2), isBlock ? end - 2 : end)
    found.push({ isLine: !isBlock, text, before, isLast: end === sql.length })
    at = end
  }
}

function blockEnd(sql: string, at: number, limit: number): number {
  // If comments can be nested, the gap contains the whole comment. Its content is still not code.
  const end = sql.indexOf('*/', at + 2)
  return end < 0 || end + 2 > limit ? limit : end + 2
}

function lineEnd(sql: string, at: number, limit: number): number {
  const end = sql.indexOf('\n', at)
  return end < 0 || end > limit ? limit : end
}

const leftovers =
  /^[\s+-]*(?:$|['"`),;%]|(?:and|or|order|limit|group|having|where|union|returning|offset)\b)/i

/** Whether a comment looks as if it was inserted to cut off the rest of its statement. */
function isTruncation({ isLine, text, before, isLast }: Comment): boolean {
  if (!isLine || before === undefined || before.kind === 'parameter') return false
  const isAfterValue = before.kind === 'string' || before.kind === 'number'
  if (isLast && leftovers.test(text)) return true
  // A statement of several lines continues after the comment. An unpaired quote shows that something was cut
  // off.
  const quote = /^[\s+-]*(['"])/.exec(text)?.[1]
  return (
    quote !== undefined &&
    (isAfterValue || before.text === ')' || before.text === ';') &&
    text.split(quote).length % 2 === 0
  )
}

import { lowerAscii, upperAscii } from './characters.ts'
import { mayReadSqliteClock, sqliteTimes } from './clock/sqlite-times.ts'
import type { Dialect } from './dialect.ts'
import { callSuffixes, notFunctions, words } from './keywords.ts'
import { isRelativeDate } from './relative-date.ts'
import type { SessionChange } from './statement-types.ts'
import type { Range } from './token-map.ts'
import type { Token } from './tokenize.ts'
import type { ParsedSql } from './tree/parsed-sql.ts'

const pureEverywhere = `
  COUNT SUM AVG MIN MAX COALESCE NULLIF CAST ABS ROUND CEIL CEILING FLOOR MOD POWER SQRT SIGN EXP LN LOG LOWER UPPER LENGTH SUBSTR SUBSTRING
  TRIM LTRIM RTRIM REPLACE CONCAT CONCAT_WS FORMAT ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE
  NTH_VALUE JSON_OBJECT JSON_ARRAY JSON_ARRAY_LENGTH`

/**
 * Built-in functions whose result depends only on their arguments (and on session settings, whose changes
 * Sluice sees). A name that is built into one dialect can be a user-defined function in another.
 */
const pure: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  postgresql: words(`${pureEverywhere}
    GREATEST LEAST STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP BIT_AND BIT_OR BOOL_AND BOOL_OR EVERY CHAR_LENGTH
    CHARACTER_LENGTH OCTET_LENGTH BTRIM REVERSE REPEAT LEFT RIGHT LPAD RPAD POSITION STRPOS OVERLAY SPLIT_PART INITCAP ASCII CHR MD5
    REGEXP_REPLACE REGEXP_MATCHES EXTRACT DATE DATE_TRUNC DATE_PART TO_CHAR TO_DATE TO_NUMBER PERCENTILE_CONT PERCENTILE_DISC MODE GROUPING
    JSON_AGG JSONB_AGG JSON_OBJECT_AGG JSONB_OBJECT_AGG JSON_BUILD_OBJECT JSONB_BUILD_OBJECT JSON_BUILD_ARRAY JSONB_BUILD_ARRAY JSON_VALUE
    JSON_QUERY JSON_TABLE JSON_EACH JSONB_EACH JSON_ARRAYAGG JSON_OBJECTAGG JSONB_ARRAY_LENGTH JSON_ARRAY_ELEMENTS JSONB_ARRAY_ELEMENTS
    JSONB_ARRAY_ELEMENTS_TEXT JSONB_SET JSONB_EXTRACT_PATH JSONB_EXTRACT_PATH_TEXT TO_JSON TO_JSONB ROW_TO_JSON ARRAY_AGG STRING_AGG
    ARRAY_LENGTH ARRAY_POSITION ARRAY_APPEND ARRAY_REMOVE ARRAY_CAT ARRAY_TO_STRING STRING_TO_ARRAY CARDINALITY UNNEST GENERATE_SERIES
    TO_TSVECTOR TO_TSQUERY PLAINTO_TSQUERY WEBSEARCH_TO_TSQUERY TS_RANK`),
  sqlite: words(`${pureEverywhere}
    TOTAL IFNULL IIF IF GROUP_CONCAT STRING_AGG INSTR PRINTF TYPEOF HEX UNHEX UNICODE CHAR QUOTE LIKE GLOB LIKELY UNLIKELY ZEROBLOB
    OCTET_LENGTH JSON JSONB JSON_EXTRACT JSONB_EXTRACT JSON_TYPE JSON_VALID JSON_QUOTE JSON_SET JSON_EACH JSON_TREE JSON_GROUP_ARRAY
    JSON_GROUP_OBJECT JSONB_GROUP_ARRAY JSONB_GROUP_OBJECT`),
  mysql: words(`${pureEverywhere}
    GREATEST LEAST IFNULL IF UCASE LCASE ANY_VALUE GROUP_CONCAT STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VAR_POP VAR_SAMP BIT_AND BIT_OR BIT_COUNT POW
    CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH REVERSE REPEAT LEFT RIGHT LPAD RPAD POSITION INSTR LOCATE ASCII CHAR HEX UNHEX QUOTE MD5
    CRC32 FIND_IN_SET FIELD INSERT INTERVAL CONVERT EXTRACT DATE TIME DATE_FORMAT DATE_ADD DATE_SUB DATEDIFF TIMESTAMPDIFF STR_TO_DATE
    FROM_UNIXTIME LAST_DAY YEAR QUARTER MONTH WEEK DAY DAYOFWEEK HOUR MINUTE SECOND GROUPING JSON_EXTRACT JSON_VALUE JSON_CONTAINS
    JSON_UNQUOTE JSON_QUOTE JSON_TYPE JSON_LENGTH JSON_TABLE JSON_ARRAYAGG JSON_OBJECTAGG REGEXP_LIKE REGEXP_REPLACE`),
}

/** Calls that write to no table, but return a different result in each call or session, or as time passes. */
const volatile: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  postgresql: words(`
    NOW RANDOM RANDOM_NORMAL GEN_RANDOM_UUID UUID_GENERATE_V4 UUIDV4 UUIDV7 GEN_RANDOM_BYTES CLOCK_TIMESTAMP STATEMENT_TIMESTAMP
    TRANSACTION_TIMESTAMP TIMEOFDAY AGE CURRENT_SETTING CURRENT_DATABASE CURRENT_SCHEMA CURRENT_SCHEMAS VERSION NEXTVAL CURRVAL LASTVAL
    SETVAL CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP TO_TIMESTAMP
    PG_ADVISORY_LOCK PG_ADVISORY_LOCK_SHARED PG_ADVISORY_UNLOCK PG_ADVISORY_UNLOCK_SHARED PG_ADVISORY_UNLOCK_ALL PG_ADVISORY_XACT_LOCK
    PG_ADVISORY_XACT_LOCK_SHARED PG_TRY_ADVISORY_LOCK PG_TRY_ADVISORY_LOCK_SHARED PG_TRY_ADVISORY_XACT_LOCK
    PG_TRY_ADVISORY_XACT_LOCK_SHARED PG_SLEEP PG_NOTIFY PG_BACKEND_PID PG_IS_IN_RECOVERY TXID_CURRENT PG_CURRENT_XACT_ID
    PG_CURRENT_WAL_LSN PG_LAST_WAL_REPLAY_LSN INET_SERVER_ADDR`),
  sqlite: words('RANDOM RANDOMBLOB LAST_INSERT_ROWID CHANGES TOTAL_CHANGES SQLITE_VERSION'),
  mysql: words(`
    NOW RAND UUID UUID_SHORT RANDOM_BYTES SYSDATE CURDATE CURTIME CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER LOCALTIME
    LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP UNIX_TIMESTAMP LAST_INSERT_ID ROW_COUNT FOUND_ROWS CONNECTION_ID USER SESSION_USER
    SYSTEM_USER DATABASE SCHEMA VERSION SLEEP GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK NEXTVAL LASTVAL SETVAL`),
}

/** The same, called without parentheses; and words that make a query leave state in its session. */
const volatileWords: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  postgresql:
    words(`CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP CURRENT_USER CURRENT_ROLE SESSION_USER
    SYSTEM_USER USER CURRENT_SCHEMA CURRENT_CATALOG`),
  sqlite: words('CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP'),
  mysql:
    words(`CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_ROLE LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME UTC_TIMESTAMP
    SQL_CALC_FOUND_ROWS`),
}

type Volatility = 'pure' | 'volatile' | 'unknown'

/**
 * The volatility of a call.
 *
 * @param upper - The function's name in upper case, unqualified and unquoted.
 * @param args - The tokens between its parentheses.
 */
function volatilityOf(upper: string, { dialect, map }: ParsedSql, args: Range): Volatility {
  if (dialect === 'sqlite' && sqliteTimes.has(upper))
    return mayReadSqliteClock(upper, map, args) ? 'volatile' : 'pure'
  if (volatile[dialect].has(upper)) return 'volatile'
  return pure[dialect].has(upper) ? 'pure' : 'unknown'
}

/**
 * Whether a name before a parenthesis can only be a keyword, or a built-in function that writes to no table.
 *
 * @param upper - Unqualified and unquoted.
 */
export function isBuiltInCall(upper: string, dialect: Dialect): boolean {
  return [pure, volatile, notFunctions].some((lists) => lists[dialect].has(upper))
}

const sequenceParts = words('NEXTVAL CURRVAL')
const sequenceValues = words('NEXT PREVIOUS')

/** The effects of a statement other than reading and writing tables. */
export interface Calls {
  /** The functions that are not known to be pure. */
  readonly functions: ReadonlySet<string>
  /** Whether a result depends on more than tables. */
  readonly volatile: boolean
  /** Session settings that it changes. */
  readonly session: readonly SessionChange[]
  /** Why its effects are unknown. */
  readonly opaque: string | undefined
}

/**
 * Derives the calls of all queries and writes. A name before a parenthesis is a call unless the parser has
 * classified it differently.
 */
export function callsOf(parsed: ParsedSql): Calls {
  const reader = new CallReader(parsed)
  for (const range of parsed.queries) reader.read(range)
  return reader
}

class CallReader implements Calls {
  readonly functions: Set<string> = new Set()
  readonly session: SessionChange[] = []
  volatile: boolean
  opaque: string | undefined

  constructor(private readonly parsed: ParsedSql) {
    this.volatile = parsed.volatile
  }

  read({ start, end }: Range): void {
    const { tokens, dialect, names } = this.parsed
    for (let at = start; at < end; at++) {
      const token = tokens[at]
      if (token === undefined) return
      if (token.kind === 'word' || token.kind === 'quoted') {
        if (names[at] === 0) at = this.#name(at, token)
      } else if (token.kind === 'string') {
        if (dialect === 'postgresql' && isRelativeDate(token.text)) this.volatile = true
      } else if (token.kind === 'parameter' && dialect === 'mysql' && token.text.startsWith('@'))
        this.volatile = true
    }
  }

  /** Reads a dotted name, and returns the index of its last token. */
  #name(at: number, first: Token): number {
    const { map, tokens, dialect } = this.parsed
    // The field of a row: `(row).field`.
    if (at > 0 && map.isSymbol(at - 1, '.')) return at
    let end = at
    while (map.isSymbol(end + 1, '.') && map.isName(end + 2)) end += 2
    if (end > at) {
      // In `sql_mode = ORACLE`, a part of a sequence; otherwise a column.
      if (dialect === 'mysql' && sequenceParts.has(upperAscii(tokens[end]?.text ?? ''))) this.volatile = true
      if (map.isSymbol(end + 1, '(')) this.#call(at, end)
    } else if (first.upper === 'AS' && !map.isSymbol(at + 1, '.')) {
      // A label or a type follows, and PostgreSQL accepts any word as a label.
      if (map.isName(at + 1)) return at + 1
    } else if (map.isSymbol(at + 1, '(') && !this.#isKeyword(at, first)) this.#call(at, at)
    else if (first.kind === 'word') this.#word(at, first.upper)
    return end
  }

  #word(at: number, upper: string): void {
    const { map, dialect } = this.parsed
    if (volatileWords[dialect].has(upper)) this.volatile = true
    else if (upper === 'REGEXP' && dialect === 'sqlite') this.functions.add('regexp')
    else if (upper === 'TABLESAMPLE' && dialect === 'postgresql') this.volatile = true
    else if (upper === 'FOR' && map.isWord(at - 1, 'VALUE') && map.isAny(at - 2, sequenceValues))
      this.opaque ??= 'value of a sequence'
  }

  #isKeyword(at: number, { kind, upper }: Token): boolean {
    if (kind === 'quoted') return false
    return (
      notFunctions[this.parsed.dialect].has(upper) ||
      (callSuffixes.has(upper) && this.parsed.map.isSymbol(at - 1, ')'))
    )
  }

  /** `set_config(name, value, is_local)`. */
  #setConfig(args: readonly Token[]): void {
    this.opaque ??= 'set_config()'
    const [name] = args
    const isLocal = args.at(-1)?.upper === 'TRUE' && args.at(-2)?.text === ','
    if (!isLocal)
      this.session.push({
        kind: 'set',
        name: name?.kind === 'string' ? lowerAscii(name.text.slice(1, -1)) : '*',
      })
  }

  /** Records a call whose name starts and ends at these indexes. */
  #call(start: number, end: number): void {
    const { map, tokens, dialect } = this.parsed
    const last = map.name(end)
    if (lowerAscii(last) === 'set_config') this.#setConfig(tokens.slice(end + 2, map.closing(end + 1)))
    const isPlain = start === end && tokens[start]?.kind === 'word'
    const args = { start: end + 2, end: map.closing(end + 1) }
    const volatility = isPlain ? volatilityOf(upperAscii(last), this.parsed, args) : 'unknown'
    if (volatility === 'volatile') this.volatile = true
    if (volatility !== 'unknown') return
    const parts: string[] = []
    for (let at = start; at <= end; at += 2) parts.push(map.name(at))
    this.functions.add(dialect === 'postgresql' ? parts.join('.') : lowerAscii(parts.join('.')))
  }
}

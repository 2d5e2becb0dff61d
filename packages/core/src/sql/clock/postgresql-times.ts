import { notFunctions, words } from '../keywords.ts'
import { labels } from '../labels.ts'
import { isRelativeDate } from '../relative-date.ts'
import type { Range, TokenMap } from '../token-map.ts'

const times = words(
  'DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ ABSTIME DATERANGE TSRANGE TSTZRANGE DATEMULTIRANGE TSMULTIRANGE TSTZMULTIRANGE',
)
const strings = words('TEXT VARCHAR CHAR CHARACTER BPCHAR NAME CITEXT')
/** Types without times in them. Those of the app may be a domain over one, or a row that contains one. */
const others = words(`
  INT INTEGER INT2 INT4 INT8 SMALLINT BIGINT NUMERIC DECIMAL REAL DOUBLE FLOAT FLOAT4 FLOAT8 BOOL BOOLEAN UUID JSON JSONB JSONPATH BYTEA
  INTERVAL INET CIDR MACADDR MACADDR8 BIT VARBIT MONEY OID XID REGCLASS REGTYPE REGPROC REGROLE REGNAMESPACE TSVECTOR TSQUERY INT4RANGE
  INT8RANGE NUMRANGE POINT LINE LSEG BOX PATH POLYGON CIRCLE XML HSTORE LTREE LQUERY VECTOR HALFVEC SPARSEVEC GEOMETRY GEOGRAPHY CUBE
  PG_LSN`)
/** Functions whose result is not a string. */
const plainFunctions = words(`
  DATE_TRUNC DATE_PART EXTRACT TO_DATE TO_TIMESTAMP MAKE_DATE MAKE_TIME MAKE_TIMESTAMP COUNT SUM AVG ABS ROUND CEIL CEILING FLOOR LENGTH
  CHAR_LENGTH GENERATE_SERIES`)
const choices = words('COALESCE NULLIF GREATEST LEAST MIN MAX')
/** Functions that read times within JSON. */
const jsonFunctions = words('JSON_TABLE JSON_VALUE JSON_QUERY')

/** Longer expressions are not examined. */
const MAX_TOKENS = 500

const NOTHING: readonly string[] = []

/** Possible dependencies of conversions to a time. */
interface Conversions {
  /** Whether a string that is converted to a time may be `now`. */
  readonly mayReadClock: boolean
  /** The columns that are converted: one that contains strings may contain `now`. */
  readonly columns: readonly string[]
}

/**
 * Finds the conversions to a type of times, or to one that is not known. PostgreSQL reads strings such as
 * `now` and `tomorrow` as times. Literals and bound values are examined elsewhere.
 */
export function postgresqlConversions(
  map: TokenMap,
  names: readonly number[],
  queries: readonly Range[],
): Conversions {
  const columns = new Set<string>()
  let mayReadClock = false
  const convert = (operand: readonly string[] | undefined) => {
    if (operand === undefined) mayReadClock = true
    else for (const column of operand) columns.add(column)
  }
  const reader = new OperandReader(map, names)
  for (const { start, end } of queries)
    for (let at = start; at < end && !mayReadClock; at++) {
      if (map.isSymbol(at, '::')) {
        if (mayBeTime(map, at + 1)) convert(reader.before(at))
        continue
      }
      if (names[at] !== 0 || !map.isSymbol(at + 1, '(') || map.tokens[at]?.kind === 'string') continue
      const args = { start: at + 2, end: map.closing(at + 1) }
      const upper = map.name(at).toUpperCase()
      if (upper === 'CAST') {
        const as = asOf(map, args)
        if (as === undefined || mayBeTime(map, as + 1))
          convert(as === undefined ? undefined : reader.of({ start: args.start, end: as }))
      } else if (times.has(upper) && map.isName(at) && !map.isWord(at - 1, 'AS')) convert(reader.of(args))
      else if (jsonFunctions.has(upper) && containsTime(map, args)) mayReadClock = true
    }
  return { mayReadClock: mayReadClock || labels(map, names, queries, columns), columns: [...columns] }
}

function asOf(map: TokenMap, args: Range): number | undefined {
  let found: number | undefined
  map.each(args, (at) => {
    if (map.isWord(at, 'AS')) found = at
  })
  return found
}

/** The name of a type, without its schema. */
function typeAt(map: TokenMap, at: number): string {
  return (map.dotted(at)?.parts.at(-1) ?? '').toUpperCase()
}

function mayBeTime(map: TokenMap, at: number): boolean {
  const type = typeAt(map, at)
  return !strings.has(type) && !others.has(type)
}

function containsTime(map: TokenMap, { start, end }: Range): boolean {
  for (let at = start; at < end; at++)
    if (map.isName(at) && times.has(map.name(at).toUpperCase())) return true
  return false
}

/** Finds the columns whose values an expression may return as strings; `undefined`: any string. */
class OperandReader {
  constructor(
    private readonly map: TokenMap,
    private readonly names: readonly number[],
  ) {}

  /** The expression before `::`. */
  before(at: number): readonly string[] | undefined {
    const start = this.#startBefore(at)
    return start === undefined ? undefined : this.of({ start, end: at })
  }

  of(range: Range): readonly string[] | undefined {
    const { map } = this
    if (range.end - range.start > MAX_TOKENS) return undefined
    const { start, end } = map.unwrapped(range)
    const first = map.tokens[start]
    if (first === undefined) return undefined
    if (end - start === 1 && !map.isName(start)) return first.kind === 'symbol' ? undefined : NOTHING
    if (end - start === 1 && ['NULL', 'TRUE', 'FALSE'].includes(first.upper)) return NOTHING
    const column = map.dotted(start)
    if (column?.end === end) return [column.parts.at(-1) ?? '']
    return this.#ofOperators({ start, end })
  }

  #ofOperators({ start, end }: Range): readonly string[] | undefined {
    const { map } = this
    const tops: number[] = []
    map.each({ start, end }, (at) => tops.push(at))
    if (
      tops.some((at) =>
        ['|', '>', '<', '=', '#', '@', '?', '&', '~', '!', '['].some((text) => map.isSymbol(at, text)),
      )
    )
      return undefined
    if (tops.some((at) => map.isWord(at, 'ZONE') && map.isWord(at - 1, 'TIME') && map.isWord(at - 2, 'AT')))
      return NOTHING
    if (tops.some((at) => at > start && ['+', '-', '*', '/', '%'].some((text) => map.isSymbol(at, text))))
      return NOTHING
    const cast = tops.findLast((at) => map.isSymbol(at, '::'))
    if (cast !== undefined) return this.#ofCast(cast + 1, { start, end: cast })
    const isCall = map.isName(start) && map.isSymbol(start + 1, '(') && map.closing(start + 1) === end - 1
    return isCall
      ? this.#ofCall(map.name(start).toUpperCase(), { start: start + 2, end: end - 1 })
      : undefined
  }

  #ofCast(type: number, operand: Range): readonly string[] | undefined {
    const name = typeAt(this.map, type)
    if (strings.has(name)) return this.of(operand)
    // A conversion to a time is examined on its own.
    return times.has(name) || (others.has(name) && !name.startsWith('JSON')) ? NOTHING : undefined
  }

  #ofCall(upper: string, args: Range): readonly string[] | undefined {
    const { map } = this
    if (plainFunctions.has(upper) || times.has(upper)) return NOTHING
    if (upper === 'CAST') {
      const as = asOf(map, args)
      return as === undefined ? undefined : this.#ofCast(as + 1, { start: args.start, end: as })
    }
    const parts = map.split(args, (at) => map.isSymbol(at, ','))
    if (upper === 'TO_CHAR') return isDateFormat(map, parts[1]) ? NOTHING : undefined
    if (!choices.has(upper)) return undefined
    const found = parts.map((part) => this.of(part))
    return found.some((columns) => columns === undefined)
      ? undefined
      : found.flatMap((columns) => columns ?? [])
  }

  #startBefore(at: number): number | undefined {
    const { map, names } = this
    const last = at - 1
    if (map.isSymbol(last, ')')) {
      const open = openingOf(map, last)
      if (open === undefined) return undefined
      if (names[open - 1] === 1) return this.#startOfType(open - 1)
      return map.isName(open - 1) && !map.isAny(open - 1, notFunctions.postgresql) ? open - 1 : open
    }
    const token = map.tokens[last]
    if (token === undefined || token.kind === 'symbol' || token.upper === 'END') return undefined
    if (!map.isName(last)) return last
    if (names[last] === 1) return this.#startOfType(last)
    let start = last
    while (map.isSymbol(start - 1, '.') && map.isName(start - 2)) start -= 2
    return map.isSymbol(start - 1, '.') ? undefined : start
  }

  /** The start of the expression that was converted to a type before. */
  #startOfType(at: number): number | undefined {
    for (let before = at; before > at - 8 && before > 0; before--)
      if (this.map.isSymbol(before, '::')) return this.#startBefore(before)
    return undefined
  }
}

function openingOf(map: TokenMap, closing: number): number | undefined {
  for (let at = closing - 1; at >= 0; at--)
    if (map.closing(at) === closing && map.isSymbol(at, '(')) return at
  return undefined
}

/** A format that writes nothing but parts of a time. */
function isDateFormat(map: TokenMap, format: Range | undefined): boolean {
  if (format === undefined || format.end - format.start !== 1) return false
  const token = map.tokens[format.start]
  return token?.kind === 'string' && !token.text.includes('"') && !isRelativeDate(token.text)
}

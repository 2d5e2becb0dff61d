import { LRUCache } from 'lru-cache'
import { captureStack, parseCallSite } from '../../pipeline/call-site.ts'
import type { Clock } from '../../shared/clock.ts'
import type { AnalyzedSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { hashShape } from '../../sql/fingerprint.ts'
import { words } from '../../sql/keywords.ts'
import type { Token } from '../../sql/tokenize.ts'
import { isLiteral } from './constants.ts'
import { type Anomaly, inspectSql, type Suspicion } from './inspect.ts'

/** Maximum number of stored anomalies. Those that were not seen for the longest time are evicted first. */
const MAX_ANOMALIES = 1_000
const MAX_SHAPES = 5_000
/** Longer SQL strings are not inspected: a query of that size is not written by hand. */
const MAX_LENGTH = 100_000
/**
 * With this many different sets of literals in one normalized query, they cannot all be constants of the
 * code.
 */
const VARYING = 3

const CONCATENATION: Suspicion = {
  kind: 'concatenation',
  severity: 'medium',
  why: 'the SQL contains literal values that equal normalized queries bind, or that change between statements: bind them as parameters',
}

const comparing = words('LIKE ILIKE IN BETWEEN')

/** How the values of one normalized query were passed so far. */
interface Values {
  /** By position: whether the value was bound, and whether it was a literal. */
  readonly places: { isBound: boolean; isWritten: boolean }[]
  /** Hashes of the literals. */
  readonly written: Set<string>
}

/** Inspects statements for signs of SQL injection, and stores its findings. Never delays a statement. */
export class AnomalyLog {
  readonly #found = new LRUCache<string, Anomaly>({ max: MAX_ANOMALIES })
  readonly #values = new LRUCache<string, Values>({ max: MAX_SHAPES })

  constructor(private readonly clock: Clock) {}

  /** Inspects a statement. */
  see(sql: string, dialect: Dialect, { fingerprint, shape }: AnalyzedSql): void {
    if (sql.length > MAX_LENGTH) return
    const { tokens, suspicions } = inspectSql(sql, dialect)
    const all = this.#isConcatenated(tokens, fingerprint) ? [...suspicions, CONCATENATION] : suspicions
    if (all.length === 0) return
    for (const suspicion of all) this.#remember(suspicion, fingerprint, shape)
  }

  /** Returns the most severe anomalies first, then the newest. */
  anomalies(): readonly Anomaly[] {
    const rank = { high: 0, medium: 1, low: 2 }
    return [...this.#found.values()].sort(
      (a, b) => rank[a.severity] - rank[b.severity] || b.firstSeen - a.firstSeen,
    )
  }

  #remember(suspicion: Suspicion, fingerprint: string, label: string): void {
    const key = `${suspicion.kind} ${fingerprint}`
    const anomaly = this.#found.get(key) ?? { ...suspicion, fingerprint, label, count: 0, ...this.#first() }
    this.#found.set(key, { ...anomaly, count: anomaly.count + 1 })
  }

  #first(): Pick<Anomaly, 'firstSeen' | 'callSite'> {
    const callSite = parseCallSite(captureStack().stack)
    return { firstSeen: this.clock.wall(), ...(callSite === undefined ? {} : { callSite }) }
  }

  #isConcatenated(tokens: readonly Token[], fingerprint: string): boolean {
    const compared = tokens.filter(
      (token, at) => (isLiteral(token) || token.kind === 'parameter') && isCompared(tokens, at),
    )
    if (compared.length === 0) return false
    const known = this.#values.get(fingerprint) ?? { places: [], written: new Set() }
    this.#values.set(fingerprint, known)
    let isMixed = false
    compared.forEach(({ kind }, index) => {
      known.places[index] ??= { isBound: false, isWritten: false }
      const place = known.places[index]
      if (kind === 'parameter') place.isBound = true
      else place.isWritten = true
      isMixed ||= place.isBound && place.isWritten
    })
    const written = compared.filter(isLiteral).map(({ text }) => text)
    if (written.length > 0 && known.written.size < VARYING)
      known.written.add(hashShape('', written.join('\n')))
    return isMixed || (written.length > 0 && known.written.size >= VARYING)
  }
}

/** Whether a column is compared with the value. In a list, this applies to the first value. */
function isCompared(tokens: readonly Token[], at: number): boolean {
  let operator = at - 1
  while (tokens[operator]?.kind === 'symbol' && '(-+'.includes(tokens[operator]?.text ?? ' ')) operator--
  const token = tokens[operator]
  if (token?.kind === 'word') return comparing.has(token.upper)
  if (token?.kind !== 'symbol' || !'=<>~'.includes(token.text)) return false
  // Not `1 = 1`.
  return !isLiteral(tokens[operator - 1])
}

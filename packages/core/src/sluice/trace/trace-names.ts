import { canonicalKey } from '../../shared/canonical.ts'
import { hash, randomBytes } from '../../shared/late-modules.ts'
import { describeReason } from '../../shared/reasons.ts'
import type { AnalyzedSql } from '../../sql/analyze.ts'
import type { TracedQuery, TracedReason } from '../../yield/trace.ts'

/** Maximum number of normalized queries that are distinguished. */
const MAX_QUERIES = 5_000
/** Maximum number of row tags whose hashes are remembered. */
const MAX_TAGS = 50_000
/** Characters of a hash: 66 bits, and 36 bits for one of the 16,384 rows of a tag. */
const KEY_LENGTH = 11
const ROW_LENGTH = 6
/** A condition that compares with one parameter. */
const BY_KEY = /(?:=|\bin)\s?\(?\s?(?:\?|\$\d)/i

/** Names in a trace: numbers for normalized queries, and hashes for values. */
export class TraceNames {
  readonly queries: Map<number, TracedQuery> = new Map()
  readonly reasons: Map<string, TracedReason> = new Map()
  readonly #ids = new Map<string, number>()
  readonly #tags = new Map<string, string>()
  /** Not stored: without it, the values behind the hashes cannot be found by trial. */
  readonly #secret = randomBytes(16).toString('base64url')

  /** @param added - Called with each new name, before it is used. */
  constructor(private readonly added: (line: TracedQuery | TracedReason) => void) {}

  /** Hash of everything that identifies a query. */
  hash(text: string): string {
    return hash('sha256', this.#secret + text, 'base64url').slice(0, KEY_LENGTH)
  }

  /** The same for a statement with its values; `undefined` if they cannot be compared. */
  keyOf(sql: string, params: readonly unknown[]): string | undefined {
    const values = params.length === 0 ? '' : canonicalKey(params)
    return values === undefined ? undefined : this.hash(`${sql}\n${values}`)
  }

  /** Tags name tables; the rows of a table are replaced by hashes. */
  tags(tags: readonly string[]): readonly string[] {
    return tags.map((tag) => {
      const row = tag.lastIndexOf('#r')
      if (row < 0) return tag
      let hashed = this.#tags.get(tag)
      if (hashed === undefined) {
        if (this.#tags.size >= MAX_TAGS) this.#tags.clear()
        hashed = `${tag.slice(0, row + 2)}${this.hash(tag).slice(0, ROW_LENGTH)}`
        this.#tags.set(tag, hashed)
      }
      return hashed
    })
  }

  /** The number of a statement. */
  statement({ fingerprint, shape, statement }: AnalyzedSql): number {
    return this.#idOf(fingerprint, () => {
      const { opaque, locks, writes, kinds, volatile } = statement
      const isRead =
        opaque === undefined &&
        !locks &&
        !volatile &&
        writes.length === 0 &&
        kinds.length > 0 &&
        kinds.every((kind) => kind === 'SELECT' || kind === 'WITH')
      return {
        label: shape,
        ...(isRead ? { isRepeatable: true as const } : {}),
        ...(BY_KEY.test(shape) ? { isByKey: true as const } : {}),
      }
    })
  }

  /** The number of an operation. */
  operation({ fingerprint, label }: { readonly fingerprint: string; readonly label: string }): number {
    return this.#idOf(`operation ${fingerprint}`, () => ({ label, isRepeatable: true, isByKey: true }))
  }

  /** Adds the text of a reason code. */
  reason(reason: string): string {
    const code = reason.split(':', 1)[0] ?? reason
    if (!this.reasons.has(code)) {
      const line: TracedReason = { type: 'reason', code, text: describeReason(code) }
      this.reasons.set(code, line)
      this.added(line)
    }
    return reason
  }

  #idOf(name: string, describe: () => Omit<TracedQuery, 'type' | 'id'>): number {
    const known = this.#ids.get(name)
    if (known !== undefined) return known
    if (this.#ids.size >= MAX_QUERIES) return 0
    const id = this.#ids.size + 1
    const query: TracedQuery = { type: 'query', id, ...describe() }
    this.#ids.set(name, id)
    this.queries.set(id, query)
    this.added(query)
    return id
  }
}

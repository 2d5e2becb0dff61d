import { analyzeSql, type Dialect } from '@sluice/core'
import type { Statement } from '@sluice/core/adapter'

/** A statement that an app sent without Sluice, as `preload.cjs` records it. */
export interface TracedStatement {
  readonly connection: number
  /** Counts the HTTP requests. */
  readonly scope: number
  readonly sql: string
  readonly params: readonly unknown[]
  /** Monotonic times in milliseconds. */
  readonly sentAt: number
  readonly answeredAt: number
  readonly error?: string
}

/** Statements that an ideal Sluice would not have sent: how much can be saved at most. */
export interface Bound {
  /** All statements that were sent. */
  readonly statements: number
  /** Reads of which nothing they depend on was written since the same read was sent before. */
  readonly cached: number
  /**
   * The remaining reads by a key, except for the first of each normalized query in a scope, and for the first
   * after a write.
   */
  readonly batched: number
  /** BEGIN and COMMIT of transactions all of whose reads were saved. */
  readonly frames: number
}

interface Transaction {
  readonly wrote: Set<string>
  reads: number
  saved: number
}

interface Group {
  readonly sentAt: number
  readonly keys: Set<string>
}

/**
 * Replays a trace with an ideal cache, which knows of each write when it was acknowledged or committed and
 * invalidates by table, and with ideal batching on top of it. A lower bound of what rows could save, since
 * writes count for whole tables; an upper one otherwise, since cascades and triggers are not known.
 *
 * @param first - The first scope that counts. Earlier ones fill the cache.
 */
export function boundOf(trace: readonly TracedStatement[], dialect: Dialect, first = 0): Bound {
  const transactions = new Map<number, Transaction>()
  const written = new Map<string, number>()
  const later: { readonly at: number; readonly tables: Iterable<string> }[] = []
  const cached = new Map<string, number>()
  const groups = new Map<string, Group>()
  const bound = { statements: 0, cached: 0, batched: 0, frames: 0 }
  for (const line of [...trace].sort((one, other) => one.sentAt - other.sentAt)) {
    const counts = line.scope >= first
    if (counts) bound.statements += 1
    for (let at = later.length - 1; at >= 0; at -= 1) {
      const write = later[at]
      if (write === undefined || write.at > line.sentAt) continue
      for (const table of write.tables) written.set(table, Math.max(written.get(table) ?? 0, write.at))
      later.splice(at, 1)
    }
    const { statement, fingerprint } = analyzeSql(line.sql, dialect)
    const open = transactions.get(line.connection)
    const { transaction } = statement
    if (transaction?.kind === 'begin') {
      transactions.set(line.connection, { wrote: new Set(), reads: 0, saved: 0 })
      continue
    }
    if (transaction?.kind === 'commit' || transaction?.kind === 'rollback') {
      transactions.delete(line.connection)
      if (open === undefined) continue
      if (open.wrote.size > 0) later.push({ at: line.answeredAt, tables: open.wrote })
      else if (counts && open.reads === open.saved) bound.frames += 2
      continue
    }
    const tables = [...statement.reads, ...statement.writes.map(({ name }) => name)].map(nameOf)
    if (!isRead(statement)) {
      if (open === undefined) later.push({ at: line.answeredAt, tables })
      else for (const table of tables) open.wrote.add(table)
      continue
    }
    if (open !== undefined) open.reads += 1
    const seesOwnWrite = open !== undefined && tables.some((table) => open.wrote.has(table))
    const latest = Math.max(0, ...tables.map((table) => written.get(table) ?? 0))
    if (tables.length === 0 || statement.volatile || line.error !== undefined || seesOwnWrite) continue
    const key = `${line.sql}\n${JSON.stringify(line.params)}`
    const loadedAt = cached.get(key)
    const isCached = loadedAt !== undefined && latest < loadedAt
    if (!isCached) cached.set(key, line.sentAt)
    const isBatched =
      !isCached &&
      joins(
        groups,
        `${line.scope}\n${line.connection * Number(open !== undefined)}\n${fingerprint}`,
        key,
        line,
        latest,
      )
    if (open !== undefined && (isCached || isBatched)) open.saved += 1
    if (!counts) continue
    if (isCached) bound.cached += 1
    if (isBatched) bound.batched += 1
  }
  return bound
}

/** Whether a read joins an earlier one of its group. Otherwise, it opens one. */
function joins(
  groups: Map<string, Group>,
  name: string,
  key: string,
  { sql, sentAt }: TracedStatement,
  latestWrite: number,
): boolean {
  // By a key: a condition that compares with one parameter.
  if (!/(?:=|\bin)\s*\(?\s*(?:\?|\$\d+)/i.test(sql)) return false
  const group = groups.get(name)
  if (group === undefined || latestWrite > group.sentAt) {
    groups.set(name, { sentAt, keys: new Set([key]) })
    return false
  }
  if (group.keys.has(key)) return false
  group.keys.add(key)
  return true
}

function isRead({ kinds, writes, locks, opaque }: Statement): boolean {
  return (
    opaque === undefined &&
    !locks &&
    writes.length === 0 &&
    kinds.length > 0 &&
    kinds.every((kind) => kind === 'SELECT' || kind === 'WITH')
  )
}

function nameOf(parts: readonly string[]): string {
  return (parts.at(-1) ?? '').toLowerCase()
}

import type { Connection } from '../../schema/connection.ts'
import { optionalTextOf } from '../../schema/readers/row-values.ts'
import { SluiceError } from '../../shared/errors.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'

/** A statement that can be explained: its effects are known. */
export interface Explainable {
  /** Without what comes after it: a semicolon, comments. */
  readonly sql: string
  readonly tokens: readonly Token[]
  readonly writes: boolean
  /** The tables and views that it names, without their schemas. */
  readonly tables: readonly string[]
  /** Calls that are not known to be pure: planners may carry them out. */
  readonly calls: boolean
  /** Why it must not be executed; `undefined` if it can only read. */
  readonly notToBeRun: string | undefined
}

const READS = new Set(['SELECT', 'VALUES', 'TABLE'])
const WRITES = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'MERGE'])

/**
 * @throws NotExplainableError for several statements, for statements other than reads and writes of rows, and
 * if its effects cannot be determined.
 */
export function explainable(sql: string, dialect: Dialect): Explainable {
  const { statement } = analyzeSql(sql, dialect)
  // It contains SQL whose execution cannot be excluded.
  if (statement.opaque !== undefined)
    throw new NotExplainableError(`its effects cannot be determined (${statement.opaque})`)
  const tokens = tokenize(sql, dialect)
  const end = tokens.findIndex(({ kind, text }) => kind === 'symbol' && text === ';')
  const own = end === -1 ? tokens : tokens.slice(0, end)
  const last = own.at(-1)
  if (last === undefined) throw new NotExplainableError('the string contains no statement')
  if (tokens.slice(own.length).some(({ text }) => text !== ';'))
    throw new NotExplainableError('the string contains several statements')
  const other = statement.kinds.find((kind) => !READS.has(kind) && !WRITES.has(kind))
  if (other !== undefined) throw new NotExplainableError(`${other} neither reads nor writes rows`)
  const writes = statement.writes.length > 0 || statement.kinds.some((kind) => WRITES.has(kind))
  const calls = statement.functions.size > 0
  const tables = [...statement.reads, ...statement.writes.map(({ name }) => name)].map(
    (name) => name.at(-1) ?? '',
  )
  return {
    tables,
    sql: sql.slice(own[0]?.start, last.end),
    tokens: own,
    writes,
    calls,
    notToBeRun: notToBeRun(),
  }

  function notToBeRun(): string | undefined {
    if (writes || statement.ddl || statement.mayCommit) return 'it writes'
    if (statement.locks) return 'it locks rows'
    if (calls)
      return `it calls functions with unknown effects (${[...statement.functions].slice(0, 3).join(', ')})`
    return statement.volatile ? 'it depends on more than tables' : undefined
  }
}

/** Settings under which a server reads strings other than Sluice does. */
const MODES: Readonly<Partial<Record<Dialect, string>>> = {
  postgresql: `SELECT pg_catalog.current_setting('standard_conforming_strings')::text AS "mode"`,
  mysql: 'SELECT @@sql_mode AS `mode`',
}

/**
 * Ensures that the server reads strings in the same way as Sluice; otherwise, a string could contain a second
 * statement.
 *
 * @throws NotExplainableError if this depends on a setting without its default value.
 */
export async function assertSameReading(session: Connection, sql: string): Promise<void> {
  const { dialect } = session
  const query = MODES[dialect]
  const hasQuotes = dialect === 'mysql' && sql.includes('"')
  if (query === undefined || !(sql.includes('\\') || hasQuotes)) return
  const [row = {}] = await session.query(query)
  const mode = optionalTextOf(row, 'mode') ?? ''
  const isOdd = dialect === 'postgresql' ? mode !== 'on' : /NO_BACKSLASH_ESCAPES|ANSI_QUOTES|ANSI/.test(mode)
  if (isOdd)
    throw new NotExplainableError(
      `the session's settings change the meaning of quotes and backslashes (${mode})`,
    )
}

/**
 * A statement cannot be explained without the risk of executing a part of it, or the database does not
 * support it.
 */
export class NotExplainableError extends SluiceError {
  /** @param reason - The end of a sentence: `it may write`. */
  constructor(
    readonly reason: string,
    /** Whether the statement can be explained if its parameter values are passed. */
    readonly needsBindings: boolean = false,
  ) {
    super('SLUICE_NOT_EXPLAINABLE', `The statement was not explained: ${reason}.`)
  }
}

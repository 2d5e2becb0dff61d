import { readStatement } from '../statement.ts'
import { SqlSyntaxError } from '../syntax-error.ts'
import { isSymbolToken, type Token, tokenize } from '../tokenize.ts'
import type { ConditionNode, QueryBlock } from '../tree/query-tree.ts'
import { tryReadQueryTree } from '../tree/read-sql.ts'
import { bothChanges, type OwnChange } from './own-change.ts'

/** The table of a trigger. Names are in lower case. */
export interface TriggeredTable {
  readonly name: string
  /** Lists of columns, each of which identifies a row. */
  readonly keys: readonly (readonly string[])[]
  /** Views whose queries call functions that may write. */
  readonly calling: ReadonlySet<string>
}

/** A trigger of SQLite that changes nothing but its own table. */
export interface SqliteTrigger {
  readonly event: 'insert' | 'update' | 'delete'
  /** `undefined`: nothing. */
  readonly change: OwnChange | undefined
}

/**
 * Reads `CREATE TRIGGER …`.
 *
 * @returns `undefined` if it may change anything else.
 */
export function readSqliteTrigger(sql: string, table: TriggeredTable): SqliteTrigger | undefined {
  try {
    return new Definition(sql, tokenize(sql, 'sqlite'), table).read()
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return undefined
  }
}

class Definition {
  constructor(
    private readonly sql: string,
    private readonly tokens: readonly Token[],
    private readonly table: TriggeredTable,
  ) {}

  read(): SqliteTrigger | undefined {
    const begin = this.#wordAt('BEGIN')
    const on = this.#wordAt('ON')
    const when = this.#wordAt('WHEN')
    const end = this.tokens.length - 1
    const event = this.#event(on)
    if (begin < 0 || event === undefined || this.tokens[end]?.upper !== 'END') return undefined
    if (!isSymbolToken(this.tokens[end - 1], ';')) return undefined
    if (when > on && when < begin && !this.#isPure(`SELECT ${this.#text(when + 1, this.tokens[begin])}`))
      return undefined
    let change: OwnChange | undefined
    for (const statement of this.#statements(begin + 1)) {
      const found = this.#changeOf(statement)
      if (found === 'unknown') return undefined
      change = bothChanges(change, found)
    }
    return { event, change }
  }

  /** The first token with a word that is not a column of NEW or OLD. */
  #wordAt(upper: string): number {
    return this.tokens.findIndex(
      (token, at) => token.upper === upper && !isSymbolToken(this.tokens[at - 1], '.'),
    )
  }

  #event(on: number): SqliteTrigger['event'] | undefined {
    for (let at = on - 1; at >= 0; at--) {
      const upper = this.tokens[at]?.upper
      if (upper === 'INSERT' || upper === 'UPDATE' || upper === 'DELETE')
        return upper.toLowerCase() as SqliteTrigger['event']
    }
    return undefined
  }

  #text(from: number, end: Token | undefined): string {
    return this.sql.slice(this.tokens[from]?.start, end?.start)
  }

  *#statements(first: number): Iterable<string> {
    let from = first
    for (const [at, token] of this.tokens.entries()) {
      if (at < first || !isSymbolToken(token, ';')) continue
      yield this.#text(from, token)
      from = at + 1
    }
  }

  #isPure(sql: string): boolean {
    const { opaque, functions, reads } = readStatement(sql, 'sqlite')
    // RAISE() ends the statement, and its transaction at most.
    const calls = [...functions].filter((name) => name !== 'raise')
    const isCalling = reads.some((name) => this.table.calling.has((name.at(-1) ?? '').toLowerCase()))
    return opaque === undefined && calls.length === 0 && !isCalling
  }

  #changeOf(sql: string): OwnChange | undefined | 'unknown' {
    const { writes } = readStatement(sql, 'sqlite')
    if (!this.#isPure(sql)) return 'unknown'
    if (writes.length === 0) return undefined
    const [write] = writes
    const root = tryReadQueryTree(sql, 'sqlite')?.root
    const isOwn = write?.name.length === 1 && write.name[0]?.toLowerCase() === this.table.name
    if (writes.length > 1 || write?.how !== 'update' || root === undefined || !isOwn) return 'unknown'
    const columns = write.columns?.map((column) => column.toLowerCase())
    return { ...(columns && { columns }), isOfRow: this.#isOfRow(root) }
  }

  /** Whether the WHERE selects the row that fired the trigger by a key: `id = NEW.id`. */
  #isOfRow({ from, where }: QueryBlock): boolean {
    const [item] = from
    const alias = item?.alias.toLowerCase()
    if (from.length !== 1 || alias === undefined || isRecord(alias)) return false
    const fixed = new Set(where.flatMap((node) => fixedColumn(node, alias) ?? []))
    return this.table.keys.some((key) => key.length > 0 && key.every((column) => fixed.has(column)))
  }
}

function isRecord(table: string | undefined): boolean {
  return table === 'new' || table === 'old'
}

/** The column of a condition that it has the same value as in the row that fired the trigger. */
function fixedColumn(node: ConditionNode, alias: string): string | undefined {
  if (node.kind !== 'comparison' || node.operator !== '=' || node.negated) return undefined
  // Another collation can select other rows, too.
  if (node.other === undefined || node.column.collation !== undefined) return undefined
  const sides = [node.column, node.other].map(({ table, column }) => ({
    table: table?.toLowerCase(),
    column: column.toLowerCase(),
  }))
  const own = sides.find(({ table }) => table === undefined || table === alias)
  const record = sides.find(({ table }) => isRecord(table))
  return own !== undefined && record?.column === own.column ? own.column : undefined
}

import type { TableId } from '../../schema/catalog-data.ts'
import type { InspectionGap } from './database-snapshot.ts'

/** Collects what could not be read of a database, so that the rest of it is told nevertheless. */
export class Gaps {
  readonly list: InspectionGap[] = []

  add(what: string, why: string): void {
    this.list.push({ what, why })
  }

  /** What is missing of some tables, and of each for the same reason. */
  addTables(what: string, tables: readonly { readonly id: TableId }[], why: string): void {
    if (tables.length === 0) return
    const ids = tables.map(({ id }) => id)
    this.add(`${what} of ${someOf(ids)}`, why)
  }

  /**
   * Reads one part.
   *
   * @param help - What would help where it cannot be read: a sentence.
   * @returns What was read, or `otherwise`, when reading it fails.
   */
  async read<T>(what: string, help: string, otherwise: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.add(what, `The database answered: ${sentenceOf(error)} ${help}`)
      return otherwise
    }
  }
}

function sentenceOf(error: unknown): string {
  // Some adapters of drivers put the database's own message into the cause.
  const { cause, message } = (error ?? {}) as { readonly cause?: { readonly originalMessage?: unknown }; readonly message?: unknown }
  const said = String(cause?.originalMessage ?? message ?? error)
  const text = said.trim().split('\n', 1)[0]?.slice(0, 300) ?? ''
  return /[.!?]$/.test(text) ? text : `${text || 'an error without a text'}.`
}

/** `a, b and 3 more`. */
function someOf(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}

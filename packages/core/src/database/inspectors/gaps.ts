import type { TableId } from '../../schema/catalog-data.ts'
import type { InspectionGap } from './database-snapshot.ts'

/** Reason of a gap: the inspection lists tables of any size, so that their statistics can be requested. */
export const NEVER_ANALYZED = 'Never analyzed'

/** Collects information that could not be read, so that the rest is still returned. */
export class Gaps {
  readonly list: InspectionGap[] = []

  add(what: string, why: string): void {
    this.list.push({ what, why })
  }

  /** Adds missing information for several tables, with the same reason. */
  addTables(what: string, tables: readonly { readonly id: TableId }[], why: string): void {
    if (tables.length === 0) return
    const ids = tables.map(({ id }) => id)
    this.add(`${what} of ${someOf(ids)}`, why)
  }

  /**
   * Reads one part.
   *
   * @param help - Advice for the case that it cannot be read: one sentence.
   * @returns The result, or `otherwise` if reading fails.
   */
  async read<T>(what: string, help: string, otherwise: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.add(what, `The database reported: ${sentenceOf(error)} ${help}`)
      return otherwise
    }
  }
}

function sentenceOf(error: unknown): string {
  // Some adapters of drivers put the database's own message into the cause.
  const { cause, message } = (error ?? {}) as {
    readonly cause?: { readonly originalMessage?: unknown }
    readonly message?: unknown
  }
  const reported = String(cause?.originalMessage ?? message ?? error)
  const text = reported.trim().split('\n', 1)[0]?.slice(0, 300) ?? ''
  return /[.!?]$/.test(text) ? text : `${text || 'an error without a message'}.`
}

/** `a, b and 3 more`. */
function someOf(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(', ')
  return names.length > most ? `${shown} and ${names.length - most} more` : shown
}

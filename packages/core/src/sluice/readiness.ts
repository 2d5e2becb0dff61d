import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Unprepared } from '../schema/source-state.ts'
import { checkOptions, option } from '../shared/options.ts'
import { setLongTimeout } from '../shared/timers.ts'

const DEFAULT_TIMEOUT_MS = 10_000

export interface ReadyOptions {
  /**
   * Maximum number of milliseconds to wait. Minimum: `0`.
   * @defaultValue 10000
   */
  readonly timeoutMs?: number
}

/** The clients of a Sluice, by their ids. */
export interface Readiness {
  /** Clients whose schemas are known. */
  readonly ready: readonly string[]
  /**
   * The other clients, each with a reason. `NO_CONNECTION`: the client could not connect, or Sluice cannot
   * make it connect. `NO_CATALOG`: the schema could not be read, or is being changed. `TIMEOUT`: not in time.
   */
  readonly pending: Readonly<Record<string, Unprepared | 'TIMEOUT'>>
}

/**
 * Reads the catalogs of all clients. Never rejects because of a database.
 *
 * @param closing - Functions that are called if the Sluice is closed meanwhile.
 * @throws InvalidOptionError
 */
export async function prepareCatalogs(
  catalogs: CatalogRegistry,
  options: ReadyOptions,
  closing: Set<() => void>,
): Promise<Readiness> {
  checkOptions(options, { timeoutMs: option.number(0) })
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const ending = new AbortController()
  const end = () => ending.abort()
  const ended = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  closing.add(end)
  const timer = setLongTimeout(end, timeoutMs)
  const ready: string[] = []
  const pending: Record<string, Unprepared | 'TIMEOUT'> = {}
  const prepared = [...catalogs.readers()].map(async ([id, reader]) => {
    if (reader === undefined) return
    pending[id] = 'TIMEOUT'
    const reason = await reader.prepare(ending.signal)
    // A result that was returned does not change.
    if (ending.signal.aborted) return
    delete pending[id]
    if (reason === 'known') ready.push(id)
    else if (reason !== undefined) pending[id] = reason
  })
  await Promise.race([Promise.all(prepared), ended])
  clearTimeout(timer)
  closing.delete(end)
  end()
  return { ready, pending }
}

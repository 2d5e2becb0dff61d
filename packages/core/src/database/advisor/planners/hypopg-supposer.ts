import type { Connection } from '../../../schema/connection.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'
import type { SupposedIndex, Validation } from '../what-if-planner.ts'
import { createPostgresqlIndex, type IndexSupposer } from './postgresql-planner.ts'

/**
 * Hypothetical indexes of the extension HypoPG: they are there for one session alone, and cost nothing.
 *
 * Source: https://github.com/HypoPG/hypopg
 */
export class HypopgSupposer implements IndexSupposer {
  readonly validation: Validation = 'hypopg'
  readonly #ids = new Map<string, string>()

  constructor(private readonly session: Connection) {}

  async suppose({ definition }: SupposedIndex, tables: readonly TableSnapshot[]): Promise<readonly string[]> {
    const names: string[] = []
    for (const table of tables) {
      const [row] = await this.session.query('SELECT indexrelid::text AS id, indexname::text AS name FROM hypopg_create_index($1)', [
        createPostgresqlIndex(definition, table),
      ])
      const name = String(row?.name)
      this.#ids.set(name, String(row?.id))
      names.push(name)
    }
    return names
  }

  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.session.query('SELECT hypopg_drop_index($1::oid)', [this.#ids.get(name)])
      this.#ids.delete(name)
    }
  }
}

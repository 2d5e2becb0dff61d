import type { Knex } from 'knex'

const TABLES = ['cities', 'countries', 'regions', 'districts', 'users', 'reviews']

/** Rows in each table. */
export async function countRows(db: Knex): Promise<Record<string, number>> {
  const counts: [string, number][] = []
  for (const table of TABLES) {
    const row = await db(table).count({ rows: '*' }).first()
    counts.push([table, Number(row?.rows)])
  }
  return Object.fromEntries(counts)
}

/** The part of a test's database that is needed to fill it. */
export interface Database {
  exec(sql: string): Promise<unknown>
}

const CHUNK = 500

/** Inserts rows of numbers, plain strings and NULL. */
export async function insertRows(
  database: Database,
  table: string,
  rows: readonly (readonly (string | number | null)[])[],
): Promise<void> {
  for (let start = 0; start < rows.length; start += CHUNK) {
    const tuples = rows.slice(start, start + CHUNK).map((row) => `(${row.map(literal).join(', ')})`)
    await database.exec(`INSERT INTO ${table} VALUES ${tuples.join(', ')}`)
  }
}

function literal(value: string | number | null): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}

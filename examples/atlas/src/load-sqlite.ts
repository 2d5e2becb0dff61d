import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import type { Store } from './store.ts'
import type { Table } from './table.ts'

const CHUNK = 2_000

/** One file. It is written to a temporary name and renamed when complete, so a partial one is never read. */
export function sqliteStore(file: string): Store {
  return {
    async stamp() {
      if (!existsSync(file)) return undefined
      const database = new Database(file, { readonly: true })
      try {
        return Number(database.pragma('user_version', { simple: true }))
      } finally {
        database.close()
      }
    },
    async load(ddl, tables, stamp, onRows) {
      mkdirSync(dirname(file), { recursive: true })
      const draft = `${file}.${process.pid}`
      rmSync(draft, { force: true })
      const database = new Database(draft)
      try {
        database.pragma('journal_mode = OFF')
        database.pragma('synchronous = OFF')
        database.exec(ddl)
        database.transaction(() => {
          for (const table of tables) insert(database, table, onRows)
        })()
        database.pragma(`user_version = ${stamp}`)
        database.pragma('journal_mode = WAL')
      } finally {
        database.close()
      }
      renameSync(draft, file)
    },
  }
}

function insert(
  database: Database.Database,
  { name, columns, rows }: Table,
  onRows: (rows: number) => void,
): void {
  const statement = database.prepare(
    `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  for (let start = 0; start < rows.length; start += CHUNK) {
    const chunk = rows.slice(start, start + CHUNK)
    for (const row of chunk) statement.run(row)
    onRows(chunk.length)
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type WorkloadEntry, writeWorkload } from '@sluice/core/database'
import Sqlite from 'better-sqlite3'

export interface Project {
  readonly folder: string
  /** URL of its database. */
  readonly url: string
  readonly workload: string
  remove(): void
}

const SCHEMA = `
  CREATE TABLE region (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT NOT NULL, population INTEGER NOT NULL,
    region_id INTEGER NOT NULL REFERENCES region (id));
`

/** The same table as in the database. */
export const PRISMA_SCHEMA = `generator client {
  provider = "prisma-client"
  output   = "./generated"
}

datasource db {
  provider = "sqlite"
}

model Region {
  id     Int    @id
  name   String
  cities City[]

  @@map("region")
}

model City {
  id         Int    @id
  name       String
  population Int
  regionId   Int    @map("region_id")
  region     Region @relation(fields: [regionId], references: [id])

  @@map("city")
}
`

/** The tables of the database in Drizzle. */
export const DRIZZLE_SCHEMA = `import { int, sqliteTable, text } from 'drizzle-orm/sqlite-core'

export const city = sqliteTable('city', {
  id: int('id').primaryKey(),
  name: text('name').notNull(),
  population: int('population').notNull(),
  regionId: int('region_id').notNull(),
})
`

/**
 * A temporary folder with a small SQLite database and a workload: one statement with a missing index, one
 * without.
 */
export function sqliteProject(
  files: Readonly<Record<string, string>> = {},
  { isAnalyzed = true } = {},
): Project {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-test-'))
  const file = join(folder, 'app.db')
  const database = new Sqlite(file)
  database.exec(SCHEMA)
  const addRegion = database.prepare('INSERT INTO region VALUES (?, ?)')
  const addCity = database.prepare('INSERT INTO city VALUES (?, ?, ?, ?)')
  database.transaction(() => {
    for (let id = 1; id <= 200; id += 1) addRegion.run(id, `region ${id}`)
    for (let id = 1; id <= 20_000; id += 1)
      addCity.run(id, `city ${id}`, (id * 7_919) % 1_000_003, (id % 200) + 1)
  })()
  if (isAnalyzed) database.exec('ANALYZE')
  database.close()
  const workload = join(folder, 'workload.json')
  writeFileSync(
    workload,
    writeWorkload([
      entry('region_id', 'SELECT * FROM city WHERE region_id = ?'),
      entry('id', 'SELECT * FROM city WHERE id = ?'),
    ]),
  )
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)
  return {
    folder,
    url: `file:${file}`,
    workload,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function entry(fingerprint: string, sql: string): WorkloadEntry {
  return {
    fingerprint,
    dialect: 'sqlite',
    sql,
    kind: 'read',
    calls: 1_000,
    totalMs: 2_000,
    maxMs: 10,
    rows: 100_000,
    callSites: [{ file: '/app/src/cities.ts', line: 12, column: 3, count: 1_000 }],
    samples: [[7]],
    firstSeenAt: 0,
    lastSeenAt: 1,
    source: 'app',
  }
}

/** The names of the indexes in a database. */
export function indexesOf({ url }: Project): string[] {
  const database = new Sqlite(url.slice('file:'.length), { readonly: true })
  try {
    return (
      database.prepare("SELECT name FROM sqlite_schema WHERE type = 'index'").all() as { name: string }[]
    ).map(({ name }) => name)
  } finally {
    database.close()
  }
}

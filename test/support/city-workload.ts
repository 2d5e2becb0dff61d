import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dialect } from '@sluice/core'
import { type WorkloadEntry, writeWorkload } from '@sluice/core/database'

/** A table of 20,000 cities in 200 regions, with no index except its key, and statistics. */
export const CITIES: Readonly<Record<'postgresql' | 'mysql', string>> = {
  postgresql: `
    CREATE TABLE city (id integer PRIMARY KEY, name text NOT NULL, region_id integer NOT NULL);
    INSERT INTO city SELECT i, 'city ' || i, i % 200 FROM generate_series(1, 20000) AS i;
    ANALYZE city`,
  mysql: `
    CREATE TABLE city (id int PRIMARY KEY, name varchar(100) NOT NULL, region_id int NOT NULL);
    INSERT INTO city SELECT seq, CONCAT('city ', seq), seq % 200 FROM seq_1_to_20000;
    ANALYZE TABLE city`,
}

/** Writes the query workload of an app: by region, for which it lacks an index. */
export function writeCityWorkload(folder: string, dialect: Dialect): string {
  const entry: WorkloadEntry = {
    fingerprint: 'by-region',
    dialect,
    sql: `SELECT * FROM city WHERE region_id = ${dialect === 'postgresql' ? '$1' : '?'}`,
    kind: 'read',
    calls: 1_000,
    totalMs: 5_000,
    maxMs: 20,
    rows: 100_000,
    callSites: [{ file: '/app/src/cities.ts', line: 12, column: 3, count: 1_000 }],
    samples: [[7]],
    firstSeenAt: 0,
    lastSeenAt: 1,
    source: 'app',
  }
  const file = join(folder, 'workload.json')
  writeFileSync(file, writeWorkload([entry]))
  return file
}

import { execFile } from 'node:child_process'
import { describe, expect, inject, it } from 'vitest'
import { hasGain, runAdvice } from '../../../examples/atlas/src/advise/run-advice.ts'
import { type DatabaseTarget, parseDatabaseUrl } from '../../../examples/atlas/src/database-target.ts'
import { loadData } from '../../../examples/atlas/src/load.ts'
import { silentProgress } from '../../../examples/atlas/src/progress.ts'
import { onPostgres } from '../../services/postgres.ts'
import { databaseOf, randomSuffix, withDatabase } from '../../services/service.ts'
import { freshDatabase } from '../../support/databases.ts'
import { TEST_MS } from '../../support/patience.ts'
import { CLI } from '../../support/typescript-process.ts'

const REQUESTS = 60
/** Indexes are judged by measured times, which a busy machine distorts. */
const MEASURED = { timeout: TEST_MS, retry: 3 }

function sluice(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...CLI, ...args], { maxBuffer: 1 << 26 }, (error, out, err) =>
      error === null ? resolve(out) : reject(new Error(err)),
    )
  })
}

async function advise(loaded: DatabaseTarget) {
  await loadData(loaded, silentProgress)
  const { advised, careful } = await runAdvice({ loaded, requests: REQUESTS, seed: 7, sluice, say() {} })
  return {
    missed: careful
      .filter(({ foundAs, index }) => foundAs === undefined && !index.isOutOfReach)
      .map(({ index }) => index),
    needless: advised
      .filter((index) => !hasGain(index))
      .map(({ title, without, with: present }) => ({ title, without, present })),
    found: advised.length,
  }
}

const { postgres, mariadb } = inject('services')

describe('the advice for atlas', () => {
  it('finds the manually chosen indexes, and none without gain, on SQLite', MEASURED, async () => {
    const database = await freshDatabase('sqlite')
    try {
      const file = `${database.filename}.atlas`
      expect(await advise({ kind: 'sqlite', file })).toEqual({
        missed: [],
        needless: [],
        found: expect.any(Number),
      })
    } finally {
      await database.drop()
    }
  })

  it.skipIf('skipped' in postgres)(
    'finds the manually chosen indexes on PostgreSQL with an ICU collation',
    MEASURED,
    async () => {
      if (!('url' in postgres)) throw new Error(postgres.skipped)
      const name = `${databaseOf(postgres.url)}_${randomSuffix()}`
      await onPostgres(
        postgres.url,
        `CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'`,
      )
      try {
        const target = parseDatabaseUrl(withDatabase(postgres.url, name))
        expect(await advise(target)).toEqual({ missed: [], needless: [], found: expect.any(Number) })
      } finally {
        await onPostgres(postgres.url, `DROP DATABASE ${name} WITH (FORCE)`)
      }
    },
  )

  it.skipIf('skipped' in mariadb)('finds the manually chosen indexes on MariaDB', MEASURED, async () => {
    const database = await freshDatabase('mysql')
    try {
      expect(await advise(parseDatabaseUrl(database.url))).toEqual({
        missed: [],
        needless: [],
        found: expect.any(Number),
      })
    } finally {
      await database.drop()
    }
  })
})

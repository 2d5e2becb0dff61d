import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { newerNode } from '../../../test/services/newer-node.ts'
import { catalogsRead } from '../../../test/support/catalog-read.ts'
import { type Database, freshDatabase } from '../../../test/support/databases.ts'
import { TEST_MS } from '../../../test/support/patience.ts'
import { type DatabaseTarget, parseDatabaseUrl } from '../src/database-target.ts'
import { listen } from '../src/listen.ts'
import { compareOrms, type OrmComparison } from '../src/orms/compare-orms.ts'
import { ORMS, openRoutes, prisma8Missing } from '../src/orms/open-routes.ts'
import { createOrmApp } from '../src/orms/orm-app.ts'
import { StatementCounter } from '../src/statement-counter.ts'
import { SMALL_ROWS, smallFixture } from './fixture.ts'

const CITIES = 20
const REVIEWS = 10
/** Sluice sends a few queries more for a loop that a busy machine interrupts. */
const FEW = 10
/** A region, its cities; each city's country and reviews; each review's author. */
const QUERIES = 2 + 2 * CITIES + REVIEWS

/** A region whose loops are long enough for Sluice to learn them. */
const MANY_CITIES = [
  ...Array.from(
    { length: CITIES },
    (_, at) => `INSERT INTO cities VALUES (${at + 10}, 'City ${at}', 1.5, 2.5, 'AD', 3, NULL);`,
  ),
  ...Array.from(
    { length: REVIEWS },
    (_, at) =>
      `INSERT INTO reviews VALUES (${at + 10}, ${at + 10}, ${(at % 2) + 1}, ${(at % 5) + 1}, 'Review ${at}', '2024-02-01T00:00:00.000+00:00');`,
  ),
].join('\n')

interface OpenTarget {
  readonly target: DatabaseTarget
  remove(): Promise<void> | void
}

function openSqlite(): OpenTarget {
  const { target, remove } = smallFixture()
  const database = new Sqlite(target.file)
  database.exec(MANY_CITIES)
  database.close()
  return { target, remove }
}

async function fillPostgresql(): Promise<Database> {
  const database = await freshDatabase('postgresql')
  await database.exec(readFileSync(join(import.meta.dirname, '../prisma/postgresql.sql'), 'utf8'))
  await database.exec(SMALL_ROWS + MANY_CITIES)
  return database
}

/** The ORMs that run in this version of Node. */
function ormsOn(target: DatabaseTarget): readonly string[] {
  return ORMS.filter((orm) => orm !== 'prisma8' || prisma8Missing(target) === undefined)
}

async function openPostgresql(): Promise<OpenTarget> {
  const database = await fillPostgresql()
  return { target: parseDatabaseUrl(database.url), remove: () => database.drop() }
}

const { postgres } = inject('services')

describe.each([
  { name: 'SQLite', open: openSqlite, isSkipped: false, observed: ['drizzle'] },
  { name: 'PostgreSQL', open: openPostgresql, isSkipped: 'skipped' in postgres, observed: [] },
])('the same route in each ORM on $name', ({ open, isSkipped, observed }) => {
  let opened: OpenTarget

  beforeEach(async () => {
    if (!isSkipped) opened = await open()
  })
  afterEach(() => opened?.remove())

  it.skipIf(isSkipped)('returns the same JSON, and 404 for an unknown region', async () => {
    const routes = await openRoutes(opened.target, new StatementCounter())
    const server = await listen(createOrmApp(routes), 0)
    try {
      const get = (orm: string, code: string) => fetch(`${server.origin}/${orm}/regions/${code}`)
      for (const orm of ormsOn(opened.target)) {
        expect([orm, await (await get(orm, 'FR.84')).json()]).toEqual([
          orm,
          {
            code: 'FR.84',
            name: 'Auvergne-Rhône-Alpes',
            cities: [
              {
                name: 'Lyon',
                country: 'France',
                reviews: [
                  { rating: 5, body: 'First', author: 'Ada' },
                  { rating: 4, body: 'Second', author: 'Ben' },
                  { rating: 3, body: 'Third', author: 'Ada' },
                ],
              },
              { name: 'Annecy', country: 'France', reviews: [] },
            ],
          },
        ])
        expect([orm, (await get(orm, 'FR.00')).status]).toEqual([orm, 404])
      }
    } finally {
      await server.close()
      await routes.close()
    }
  })

  it.skipIf(isSkipped)(
    'sends one query per iteration without Sluice, and few with it',
    { timeout: TEST_MS },
    async () => {
      const compared = await compareOrms(opened.target, 'AD.03', catalogsRead)
      const [first] = compared
      expect(JSON.parse(first?.body ?? '').cities).toHaveLength(CITIES)
      const expected = ormsOn(opened.target).map((orm) => ({
        orm,
        before: QUERIES,
        isEqual: true,
        body: first?.body,
      }))
      expect(compared).toMatchObject(expected)
      const after = (found: readonly OrmComparison[]) => found.map(({ orm, after: sent }) => [orm, sent])
      const isObserved = ({ orm }: OrmComparison) => (observed as readonly string[]).includes(orm)
      expect(after(compared.filter((one) => !isObserved(one) && one.after > FEW))).toEqual([])
      expect(after(compared.filter(isObserved))).toEqual(observed.map((orm) => [orm, QUERIES]))
    },
  )
})

describe('the same route in Prisma 8', () => {
  it('is missing, with the reason, on other databases and in older versions of Node', () => {
    expect(prisma8Missing({ kind: 'postgresql' }, '22.18.0')).toBeUndefined()
    expect(prisma8Missing({ kind: 'postgresql' }, '24.1.0')).toBeUndefined()
    expect(prisma8Missing({ kind: 'sqlite' }, '24.1.0')).toBe(
      'prisma8 needs PostgreSQL and Node 22.18 or later. This is sqlite and Node 24.1.0.',
    )
    expect(prisma8Missing({ kind: 'postgresql' }, '22.17.1')).toBe(
      'prisma8 needs PostgreSQL and Node 22.18 or later. This is postgresql and Node 22.17.1.',
    )
  })

  const node = newerNode()
  const reason = 'skipped' in node ? node.skipped : 'skipped' in postgres ? postgres.skipped : undefined
  it.skipIf(reason !== undefined)(
    `returns the same response with few queries${reason === undefined ? '' : `: ${reason}`}`,
    { timeout: TEST_MS },
    async () => {
      if (!('path' in node)) return
      const database = await fillPostgresql()
      try {
        const main = join(import.meta.dirname, 'orms.main.ts')
        const args = ['--import', 'tsx', '--conditions=@sluice/source', main, database.url, 'AD.03']
        const { stdout } = await promisify(execFile)(node.path, args, { cwd: import.meta.dirname })
        const compared = JSON.parse(stdout) as readonly OrmComparison[]
        const [first] = compared
        expect(compared).toMatchObject(
          ORMS.map((orm) => ({ orm, before: QUERIES, isEqual: true, body: first?.body })),
        )
        expect(compared.filter(({ after }) => after > FEW)).toEqual([])
      } finally {
        await database.drop()
      }
    },
  )
})

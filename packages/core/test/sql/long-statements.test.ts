import { Session } from 'node:inspector/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { longStatements, type SqlReader, sqlReaders } from '../../../../test/support/long-statements.ts'
import { planSelect } from '../../src/adapter/keyed-select.ts'
import { EVERYTHING, SchemaCatalog } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import { effectOfStatement, readsOfStatement } from '../../src/schema/statement-effect.ts'
import { analyzeSql } from '../../src/sql/analyze.ts'
import type { Dialect } from '../../src/sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../../src/sql/tokenize.ts'

const DIALECTS: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']
const SMALL = 110
const FACTOR = 4
/** The steps of a linear reader grow by the factor; those of a quadratic reader by its square. */
const MOST = 2 * FACTOR

const inspector = new Session()

beforeAll(async () => {
  inspector.connect()
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
})

afterAll(async () => {
  await inspector.post('Profiler.stopPreciseCoverage')
  inspector.disconnect()
})

/**
 * The number of executed blocks of Sluice since the last call, which does not depend on the speed of the
 * machine.
 */
async function takeSteps(): Promise<number> {
  const { result } = await inspector.post('Profiler.takePreciseCoverage')
  const own = result.filter(({ url }) => url.includes('/core/src/'))
  return own
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
    .reduce((sum, count) => sum + count, 0)
}

/** The steps so far must have been taken: taking them costs much more than reading a statement. */
async function stepsOf(read: SqlReader, sql: string, dialect: Dialect): Promise<number> {
  read(sql, dialect)
  return takeSteps()
}

let spaces = 0
function anew(sql: string): string {
  spaces += 1
  return `${' '.repeat(spaces % 400)}${sql}`
}

describe.each([...sqlReaders.keys()])('%s', (name) => {
  const read = sqlReaders.get(name)
  it.each(longStatements)(
    'takes steps proportional to the length of $name',
    async ({ write, dialects = DIALECTS }) => {
      if (read === undefined) throw new TypeError('no reader')
      for (const dialect of dialects) {
        // Caches of words fill; a string that was analyzed before takes no steps.
        read(anew(write(SMALL)), dialect)
        await takeSteps()
        const small = await stepsOf(read, anew(write(SMALL)), dialect)
        const large = await stepsOf(read, anew(write(SMALL * FACTOR)), dialect)
        expect(large / small, `${dialect}: ${small} → ${large} steps`).toBeLessThan(MOST)
      }
    },
  )
})

describe('the longest statement', () => {
  it.each(longStatements)(
    'is read or rejected without an error for $name',
    ({ write, dialects = DIALECTS }) => {
      const perPart = write(1_000).length - write(500).length
      const sql = write(Math.floor((MAX_SQL_LENGTH * 450) / perPart))
      for (const dialect of dialects) expect(analyzeSql(sql, dialect).fingerprint).toHaveLength(16)
    },
  )

  it('may contain as many parameters as PostgreSQL can bind', () => {
    const sql = `SELECT * FROM t WHERE id IN (${Array.from({ length: 30_000 }, (_, nth) => `$${nth + 1}`).join(', ')})`
    const { statement } = analyzeSql(sql, 'postgresql')
    expect(statement).toMatchObject({ reads: [['t']], writes: [] })
    expect(statement.opaque).toBeUndefined()
  })

  it('treats a long list of arguments as reading the clock, instead of searching nested calls repeatedly', () => {
    const volatile = (args: number) =>
      analyzeSql(`SELECT date(${'a + '.repeat(args)}a) FROM t`, 'sqlite').statement.volatile
    expect([volatile(10), volatile(150)]).toEqual([false, true])
  })

  it.each(DIALECTS)('is passed through above the limit, and may write any table (%s)', (dialect) => {
    const sql = `SELECT '${'x'.repeat(MAX_SQL_LENGTH)}'`
    const { statement, shape } = analyzeSql(sql, dialect)
    expect(statement).toMatchObject({ kinds: [], opaque: 'statement too long', mayCommit: true })
    expect(shape).toBe('SELECT …')
    const catalogs = new CatalogRegistry()
    expect(effectOfStatement(statement, 'source', catalogs)).toBe(EVERYTHING)
    expect(readsOfStatement(statement, 'source', catalogs)).toEqual({ refused: 'STATEMENT_TOO_LONG' })
  })
})

describe('planSelect', () => {
  it.each(['objects', 'arrays'] as const)('takes steps proportional to the columns of %s', async (form) => {
    const columns = [{ name: 'id', type: 'integer' as const, nullable: false }]
    const table = { name: 't', kind: 'table' as const, columns, primaryKey: ['id'], uniqueKeys: [] }
    const catalog = new SchemaCatalog({
      dialect: 'postgresql',
      defaultSchema: 'public',
      tables: [table],
      foreignKeys: [],
    })
    const plan: SqlReader = (sql, dialect) => planSelect(sql, dialect, form, catalog, true)
    const write = (count: number) =>
      `SELECT ${Array.from({ length: count }, (_, nth) => `id AS a${nth}`).join(', ')} FROM t WHERE id = $1`
    plan(anew(write(1_000)), 'postgresql')
    await takeSteps()
    const small = await stepsOf(plan, anew(write(1_000)), 'postgresql')
    const large = await stepsOf(plan, anew(write(1_000 * FACTOR)), 'postgresql')
    expect(large / small).toBeLessThan(1.5 * FACTOR)
  })
})

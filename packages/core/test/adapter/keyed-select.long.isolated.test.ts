import { Session } from 'node:inspector/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { longStatements, type SqlReader, sqlReaders } from '../../../../test/support/long-statements.ts'
import { planSelect } from '../../src/adapter/keyed-select.ts'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

const DIALECTS: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']
const SMALL = 110
const FACTOR = 4
/** The steps of a linear reader grow by the factor; those of a quadratic reader by its square. */
const MOST = 2 * FACTOR
/**
 * The most growth of all dialects together that is not examined by dialect: one of three whose steps grow by
 * `MOST` exceeds it. Taking the steps costs far more than reading a statement.
 */
const CLEAR = 1.2 * FACTOR

// V8 counts the blocks only of functions that it compiles afterwards, so this file needs its own process.
const inspector = new Session()

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

/** The steps so far must have been taken. */
async function stepsOf(read: SqlReader, sql: string, dialects: readonly Dialect[]): Promise<number> {
  for (const dialect of dialects) read(anew(sql), dialect)
  return takeSteps()
}

let spaces = 0
function anew(sql: string): string {
  spaces += 1
  return `${' '.repeat(spaces % 400)}${sql}`
}

beforeAll(async () => {
  inspector.connect()
  await inspector.post('Profiler.enable')
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
})

afterAll(async () => {
  await inspector.post('Profiler.stopPreciseCoverage')
  inspector.disconnect()
})

describe.each([...sqlReaders])('%s', (_name, read) => {
  const growthOf = async (write: (parts: number) => string, dialects: readonly Dialect[]) => {
    const small = await stepsOf(read, write(SMALL), dialects)
    const large = await stepsOf(read, write(SMALL * FACTOR), dialects)
    return { growth: large / small, text: `${dialects.join(', ')}: ${small} → ${large} steps` }
  }

  // Caches of words fill; a string that was analyzed before takes no steps.
  beforeAll(async () => {
    for (const { write, dialects = DIALECTS } of longStatements)
      for (const dialect of dialects) read(anew(write(SMALL)), dialect)
    await takeSteps()
  })

  it.each(longStatements)(
    'takes steps proportional to the length of $name',
    async ({ write, dialects = DIALECTS }) => {
      const { growth } = await growthOf(write, dialects)
      if (growth < CLEAR) return
      for (const dialect of dialects) {
        const { growth, text } = await growthOf(write, [dialect])
        expect(growth, text).toBeLessThan(MOST)
      }
    },
  )
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
    const plan: SqlReader = (sql, dialect) =>
      planSelect(sql, dialect, form, catalog, { isPlain: true, reads: { tables: ['public.t'] } })
    const write = (count: number) =>
      `SELECT ${Array.from({ length: count }, (_, nth) => `id AS a${nth}`).join(', ')} FROM t WHERE id = $1`
    plan(anew(write(1_000)), 'postgresql')
    await takeSteps()
    const small = await stepsOf(plan, write(1_000), ['postgresql'])
    const large = await stepsOf(plan, write(1_000 * FACTOR), ['postgresql'])
    expect(large / small).toBeLessThan(1.5 * FACTOR)
  })
})

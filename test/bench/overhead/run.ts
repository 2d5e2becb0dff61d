import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../../services/postgres.ts'
import { ServiceUnavailableError, type TestService } from '../../services/service.ts'
import { measureSets } from '../lockstep.ts'
import { printRanged, type RangedFigure } from '../range.ts'
import { baselineOf, contenders, nameOf, ORMS, type Orm } from './contenders.ts'
import { type Cell, figuresOf, printCell } from './figures.ts'
import { fillPostgres, fillSqlite } from './fill.ts'
import { type DatabaseName, offer } from './opened-orm.ts'
import { pagesIfThere } from './pages.ts'
import { AGENT_URL, startFakeAgent } from './peers/fake-agent.ts'
import { type ProgramName, QUERIES } from './programs.ts'
import { flagOf, type Selection } from './selection.ts'

/** Scopes per slice on SQLite: about 20 ms. A query on PostgreSQL takes about twice as long. */
const SCOPES: Readonly<Record<Orm, Readonly<Record<ProgramName, number>>>> = {
  Knex: { one: 400, five: 80, loop20: 25, all20: 25 },
  Prisma: { one: 80, five: 16, loop20: 5, all20: 5 },
  Kysely: { one: 400, five: 80, loop20: 25, all20: 25 },
  Drizzle: { one: 150, five: 40, loop20: 10, all20: 10 },
}

/** The first queries of a process, for the cold figure. */
const COLD_QUERIES = 2_000

/** Quick runs measure each program with two of the ORMs, unless they are of one ORM. */
const QUICK: Readonly<Record<Orm, readonly ProgramName[]>> = {
  Knex: ['one', 'five'],
  Prisma: ['loop20', 'all20'],
  Kysely: ['loop20', 'all20'],
  Drizzle: ['one', 'five'],
}

/** Runs the selected parts of the benchmark. */
export async function runOverhead(selection: Selection): Promise<void> {
  // The disk is not measured.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sluice-bench-'))
  const needsPostgres = selection.databases.includes('PostgreSQL') && selection.hasCells
  const postgres = needsPostgres ? await postgresIfThere() : undefined
  const agent = await startFakeAgent()
  try {
    const file = join(folder, 'bench.db')
    offer(file, postgres?.url)
    process.env[AGENT_URL] = agent.url
    if (selection.hasPages || selection.databases.includes('SQLite')) fillSqlite(file)
    if (postgres !== undefined) await fillPostgres(postgres.url)
    const { json, quick, sets } = selection
    if (!json)
      console.log(
        `Node ${process.version}, CPU time of a scope over that without Sluice: median [range] of ${sets} sets of fresh processes`,
      )
    const figures: RangedFigure[] = []
    if (selection.hasCells) figures.push(...(await measureCells(selection, postgres !== undefined)))
    if (selection.hasPages) figures.push(...(await pagesIfThere(quick, json, sets)))
    if (json) for (const one of figures) console.log(JSON.stringify(one))
  } finally {
    agent.stop()
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measureCells(selection: Selection, hasPostgres: boolean): Promise<readonly RangedFigure[]> {
  const { json, quick, orms, databases, programs } = selection
  const figures: RangedFigure[] = []
  for (const orm of orms) {
    for (const database of databases) {
      if (database === 'PostgreSQL' && !hasPostgres) continue
      for (const program of programs) {
        if (quick && orms.length === ORMS.length && !QUICK[orm].includes(program)) continue
        const cell = await measureCell(orm, database, program, selection)
        const found = figuresOf(cell)
        figures.push(...found)
        if (json) continue
        printCell(`${orm}, ${database}, ${program}`, cell)
        printRanged(found, '≤')
      }
    }
  }
  return figures
}

async function measureCell(
  orm: Orm,
  database: DatabaseName,
  program: ProgramName,
  { quick, sets, variants }: Selection,
): Promise<Cell> {
  const iterations = Math.ceil(SCOPES[orm][program] / (database === 'SQLite' ? 1 : 2))
  const participants = contenders(orm, database, program, variants)
  const compared = await measureSets(
    participants,
    ({ variant }) => nameOf(orm, database, program, baselineOf(variant)),
    {
      sets,
      iterations,
      coldSlices: Math.ceil(COLD_QUERIES / (iterations * QUERIES[program])),
      warmUpSlices: quick ? 10 : 60,
      warmSlices: quick ? 10 : 40,
    },
  )
  return {
    prefix: [orm, database, program].map(flagOf).join('.'),
    program,
    of: new Map(
      participants.flatMap(({ variant }, at) => {
        const one = compared[at]
        return one === undefined ? [] : [[variant, one]]
      }),
    ),
  }
}

async function postgresIfThere(): Promise<TestService | undefined> {
  try {
    return await startPostgres()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`PostgreSQL is left out: ${error.message}`)
    return undefined
  }
}

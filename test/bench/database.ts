// Measures the accuracy of the index advisor on databases that it was not designed for, and the cost of the
// database layer.
import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import { ServiceUnavailableError } from '../services/service.ts'
import { advisorsOf, type ShopAdvisor } from './database/advise-shop.ts'
import { clinicFigures } from './database/clinic/clinic-figures.ts'
import type { ClinicVerdict } from './database/clinic/judge-clinic.ts'
import { judgeShape, judgeWorkload, type ShapeVerdict, type ShopAsked } from './database/judge.ts'
import { layerFigures } from './database/layer-figures.ts'
import { observingFigures } from './database/observing-cost.ts'
import { printAlone, printGain, printWorkload } from './database/print-verdicts.ts'
import { type RealAnswer, realAnswer, realGain } from './database/real-gain.ts'
import { type BenchFigure, printFigures, shown, toJson } from './database/report.ts'
import { createShop } from './database/shop.ts'
import {
  openMariadbShop,
  openPostgresShop,
  openSqliteShop,
  type ShopDatabase,
} from './database/shop-database.ts'
import { askedOf } from './database/shop-workload.ts'
import { benchOptions } from './harness.ts'

const { json, quick } = benchOptions()
const SEED = 7
const SCALE = quick ? 0.25 : 1
const ROUNDS = quick ? 2 : 3
/** One of this many statements is also judged alone. */
const EACH_ALONE = quick ? 8 : 1
const TARGETS = { recall: 100, alone: 85, needless: 0 }
/** The PostgreSQL version for which Debian packages HypoPG. */
const WITH_HYPOPG = '/usr/lib/postgresql/17/bin'

/** `undefined` if this machine has none. */
async function ifThere(open: () => Promise<ShopDatabase>): Promise<ShopDatabase | undefined> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`A database is left out: ${error.message}`)
    return undefined
  }
}

function print(text: string): void {
  if (!json) console.log(text)
}

const CLINICS = [
  ['SQLite', 'sqlite'],
  ['PostgreSQL', 'postgresql'],
  ['MariaDB', 'mysql'],
] as const

function printClinic({ id, isRight, came, missing, needless, rewrites }: ClinicVerdict): void {
  const answer = [...came, ...rewrites].join(' & ') || 'nothing'
  if (isRight) print(`  right  ${id}: ${answer}`)
  else print(`  wrong  ${id}: ${answer}; missing ${missing.join()}; needless ${needless.join()}`)
}

async function judge(advisor: ShopAdvisor, all: ShopAsked): Promise<BenchFigure[]> {
  const { name } = advisor
  const workload = await judgeWorkload(advisor, all)
  if (!json) printWorkload(advisor, workload)
  const verdicts: ShapeVerdict[] = []
  for (const [index, asked] of all.shapes.entries())
    if (index % EACH_ALONE === 0) verdicts.push(await judgeShape(advisor, asked, all))
  const real = new Map<string, RealAnswer>()
  for (const verdict of verdicts)
    if (!quick && !verdict.isRight) real.set(verdict.asked.id, await realAnswer(advisor, verdict, ROUNDS))
  if (!json) printAlone(verdicts, real)
  const { advice, needs, misses } = workload
  const gain = quick ? undefined : await realGain(advisor, advice.indexes, all.shapes, ROUNDS)
  if (gain !== undefined && !json) printGain(gain, all.shapes, all.ms)
  const rightShare = verdicts.filter(({ isRight }) => isRight).length / verdicts.length
  const needed = gain?.drops.filter(({ losses }) => losses.length > 0).length ?? workload.foreseen.length
  return [
    {
      id: `${name}: known good indexes found`,
      value: (1 - misses.length / needs) * 100,
      unit: '%',
      target: TARGETS.recall,
      bound: '≥',
    },
    {
      id: `${name}: advised indexes that a statement needs`,
      value: (needed / advice.indexes.length) * 100,
      unit: '%',
    },
    {
      id: `${name}: advised indexes without gain`,
      value: advice.indexes.length - needed,
      unit: 'indexes',
      target: TARGETS.needless,
    },
    {
      id: `${name}: statements alone answered rightly`,
      value: rightShare * 100,
      unit: '%',
      target: TARGETS.alone,
      bound: '≥',
    },
    { id: `${name}: the advisor's own time`, value: advice.tookMs / 1_000, unit: 's' },
    { id: `${name}: questions to the planner`, value: advice.planned, unit: 'questions' },
  ]
}

async function measureOn(database: ShopDatabase): Promise<BenchFigure[]> {
  try {
    print(`\n${database.name}: ${database.rows} rows, loaded in ${shown(database.loadMs / 1_000)} s`)
    const asked = askedOf(database.dialect, SCALE)
    const ms = new Map<string, number>()
    for (const shape of asked.shapes) ms.set(shape.id, await database.timer.ms(shape, ROUNDS))
    const figures = await layerFigures(database, quick ? 21 : 101)
    for await (const advisor of advisorsOf(database)) {
      try {
        figures.push(...(await judge(advisor, { ...asked, ms })))
      } finally {
        await advisor.close()
      }
    }
    return figures
  } finally {
    await database.close()
  }
}

if (existsSync(WITH_HYPOPG)) process.env.PATH = [WITH_HYPOPG, process.env.PATH].join(delimiter)
print(`Node ${process.version}; the share of the rows is ${SCALE}`)
const figures: BenchFigure[] = []
for (const open of [openSqliteShop, openPostgresShop, openMariadbShop]) {
  const database = await ifThere(() => open(createShop(SEED, SCALE)))
  if (database !== undefined) figures.push(...(await measureOn(database)))
}
for (const [name, dialect] of CLINICS) {
  print(`\n${name}, clinic`)
  try {
    figures.push(...(await clinicFigures(name, dialect, SCALE, printClinic)))
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`A database is left out: ${error.message}`)
  }
}
figures.push(...observingFigures(quick ? 15 : 51))
if (json) for (const figure of figures) console.log(toJson(figure))
else {
  print('')
  printFigures(figures)
}

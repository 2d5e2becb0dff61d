// Background jobs: the cost of a task compared with other queues, in the process and in durable backends.
import { ServiceUnavailableError } from '../services/service.ts'
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { benchOptions, serveContender } from './harness.ts'
import { bullmqFigures } from './jobs/bullmq.ts'
import { memoryContenders, memoryFigures } from './jobs/memory.ts'
import { postgresJobFigures } from './jobs/postgres.ts'
import { sqliteFigures } from './jobs/sqlite.ts'

const sections: Readonly<Record<string, (quick: boolean) => Promise<BenchFigure[]>>> = {
  memory: (quick) => memoryFigures(quick ? 3 : 11, quick ? 20_000 : 100_000),
  sqlite: sqliteFigures,
  bullmq: bullmqFigures,
  postgres: postgresJobFigures,
}

if (!(await serveContender(memoryContenders))) {
  const { json, quick, only } = benchOptions(Object.keys(sections))
  const figures: BenchFigure[] = []
  for (const [name, measured] of Object.entries(sections)) {
    if (only !== undefined && only !== name) continue
    try {
      figures.push(...(await measured(quick)))
    } catch (error) {
      if (!(error instanceof ServiceUnavailableError)) throw error
      console.error(`${name} is left out: ${error.message}`)
    }
  }
  if (json) for (const figure of figures) console.log(toJson(figure, 'jobs'))
  else printFigures(figures)
}

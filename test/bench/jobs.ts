// Background jobs: what a task costs beside other queues, in the process and where it outlives it.
import { printFigures, toJson } from './database/report.ts'
import { benchOptions, serveContender } from './harness.ts'
import { bullmqFigures } from './jobs/bullmq.ts'
import { memoryContenders, memoryFigures } from './jobs/memory.ts'
import { postgresJobFigures } from './jobs/postgres.ts'
import { sqliteFigures } from './jobs/sqlite.ts'

if (!(await serveContender(memoryContenders))) {
  const { json, quick } = benchOptions()
  const figures = [
    ...(await memoryFigures(quick ? 3 : 11, quick ? 20_000 : 100_000)),
    ...(await sqliteFigures(quick)),
    ...(await bullmqFigures(quick)),
    ...(await postgresJobFigures(quick)),
  ]
  if (json) for (const figure of figures) console.log(toJson(figure, 'jobs'))
  else printFigures(figures)
}

import type { ProgressDetails } from '@sluice/core'
import { openClients } from '../clients.ts'
import type { DatabaseTarget } from '../database-target.ts'
import type { Progress } from '../progress.ts'
import { createSluicedApp } from '../sluice.ts'
import { StatementCounter } from '../statement-counter.ts'
import { createWorkingCopy } from '../working-copy.ts'
import {
  checkStatistics,
  createStatisticsTable,
  dropStatisticsTable,
  saveStatistics,
  statisticsOf,
} from './region-statistics.ts'

const JOB = 'region-statistics'
const REGIONS_A_TASK = 50
const AT_ONCE = 2

export interface StatisticsRun {
  readonly batch: ProgressDetails
  readonly cities: number
  /** Regions whose count differs from that of the database. */
  readonly wrong: number
  /** ORM calls of the job. */
  readonly operations: number
  /** Statements that the database received. */
  readonly statements: number
  readonly seconds: number
}

/** Computes statistics of all regions as a batch, on a copy of the data. */
export async function runStatistics(loaded: DatabaseTarget, progress: Progress): Promise<StatisticsRun> {
  const copy = await createWorkingCopy(loaded)
  const counter = new StatementCounter()
  const { sluice, plugin } = createSluicedApp({ kind: loaded.kind, mode: 'optimize', report: false })
  const clients = openClients(copy.target, counter, plugin)
  const { prisma, db } = clients
  const { jobs } = sluice
  const ends: (() => Promise<void>)[] = []
  try {
    if (jobs === undefined) throw new Error('Jobs are disabled.')
    await createStatisticsTable(db)
    ends.push(() => dropStatisticsTable(db))
    const regions: number[] = await db('regions').orderBy('id').pluck('id')
    let operations = 0
    sluice.on('scope', (scope) => {
      operations += scope.operations
    })
    jobs.registerProcessor(
      JOB,
      async (ids: number[]) => {
        const rows = []
        for (const id of ids) {
          const row = await statisticsOf(prisma, id)
          if (row !== undefined) rows.push(row)
        }
        await saveStatistics(db, rows)
      },
      { concurrency: AT_ONCE },
    )
    const before = counter.statements
    const startedAt = performance.now()
    progress.start(`${JOB}: ${regions.length} regions`, regions.length)
    const over = new Promise<ProgressDetails>((resolve) => jobs.on('batch:completed', resolve))
    let shown = 0
    jobs.on('batch:progress', async ({ batchId }) => {
      const { processedItems } = await jobs.getBatchProgress(batchId)
      progress.advance(processedItems - shown)
      shown = processedItems
    })
    jobs.start()
    await jobs.createBatchJob(JOB, regions, REGIONS_A_TASK)
    const batch = await over
    const seconds = (performance.now() - startedAt) / 1_000
    const statements = counter.statements - before
    progress.finish(`${JOB}: ${batch.processedItems} regions in ${seconds.toFixed(1)} s`)
    return { batch, ...(await checkStatistics(db)), operations, statements, seconds }
  } finally {
    await jobs?.close()
    for (const end of ends) await end()
    await sluice.close()
    await clients.close()
    copy.remove()
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncBatchProcessingEngine, createSluice } from '@sluice/core'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import type { BenchFigure } from '../database/report.ts'
import { p99 } from './p99.ts'

const BATCH_ROWS = 5_000
/** Number of tasks of which one finds a locked resource, and is retried. */
const LOCKED = 40
const METRICS = 100

/** The throughput of the job queue on a SQLite file. */
export async function jobFigures(tasks: number): Promise<BenchFigure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-specified-'))
  const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(join(folder, 'jobs.db')) })
  try {
    const locked = new Set<number>()
    const ended = new Promise<void>((resolve) => {
      let left = tasks
      jobs.on('task:completed', ({ queue }) => {
        if (queue !== 'mail') return
        left -= 1
        if (left === 0) resolve()
      })
    })
    jobs.registerProcessor<{ readonly at: number }>('mail', async ({ at }) => {
      if (at % LOCKED !== 0 || locked.has(at)) return
      locked.add(at)
      throw new Error('the mailbox is locked')
    })
    let largest = 0
    jobs.registerProcessor<readonly number[]>('import', async (rows) => {
      largest = Math.max(largest, rows.length)
    })
    jobs.start()
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: tasks }, (_, at) => jobs.enqueueTask({ at }, 'normal', 'mail', { backoff: 20 })),
    )
    await ended
    const perSecond = (tasks / (performance.now() - startedAt)) * 1_000
    const { retryRate } = await jobs.getProcessingStats('mail')
    const { id } = await jobs.createBatchJob(
      'import',
      Array.from({ length: 10 * BATCH_ROWS }, (_, at) => at),
      BATCH_ROWS,
    )
    while ((await jobs.getBatchJob(id))?.status !== 'completed')
      await new Promise((resolve) => setTimeout(resolve, 10))
    return [
      {
        id: 'completed tasks, one in 40 of them in two attempts',
        value: perSecond,
        unit: 'tasks/s',
        target: 100,
        bound: '≥',
      },
      { id: 'retried attempts', value: retryRate * 100, unit: '%', target: 5 },
      { id: 'rows in one part of a batch', value: largest, unit: 'rows', target: 1_000, bound: '≥' },
    ]
  } finally {
    await jobs.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The cost of to record a metric with thousands of stored values. */
export async function metricFigures(calls: number): Promise<BenchFigure[]> {
  const sluice = createSluice()
  const { monitor } = sluice
  if (monitor === undefined) throw new Error('Monitoring is enabled.')
  try {
    for (let at = 0; at < METRICS; at += 1) monitor.registerMetric(`metric_${at}`)
    const all: number[] = []
    for (let at = 0; at < calls; at += 1) {
      const startedAt = performance.now()
      monitor.recordMetric(`metric_${at % METRICS}`, at, `source ${at % 20}`)
      all.push(performance.now() - startedAt)
    }
    return [{ id: 'recording a metric, p99', value: p99(all), unit: 'ms', target: 5 }]
  } finally {
    await sluice.close()
  }
}

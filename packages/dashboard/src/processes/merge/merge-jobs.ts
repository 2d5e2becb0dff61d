import type { DeadLetterGroup, JobsPage, QueueRow } from '../../protocol/engine-pages.ts'
import { greatestOf, grouped, totalsOf, weighted } from './sums.ts'

const SHOWN = 10
const DEPTH_STEP_MS = 5_000
const HEALTH = ['unhealthy', 'degraded', 'healthy'] as const

/** Counts shared tasks once, and adds up the tasks and statistics of each process. */
export function mergeJobs(pages: readonly [JobsPage, ...JobsPage[]]): JobsPage {
  const rows = pages.flatMap(({ queues, isShared }) => queues.map((row) => ({ row, isShared })))
  const shared = pages.filter(({ isShared, isOpen }) => isShared && isOpen)
  const own = pages.filter(({ isShared }) => !isShared)
  // Each process with shared tasks reports all dead letters.
  const letters = [...shared.slice(0, 1), ...own].map(({ deadLetters }) => deadLetters)
  return {
    isOpen: pages.some(({ isOpen }) => isOpen),
    isShared: pages.some(({ isShared }) => isShared),
    queues: grouped(rows, ({ row }) => row.queue).map((same) =>
      mergeQueue(
        same.map(({ row }) => row) as [QueueRow, ...QueueRow[]],
        same.every(({ isShared }) => isShared),
      ),
    ),
    deadLetters: {
      total: letters.reduce((sum, { total }) => sum + total, 0),
      grouped: letters.reduce((sum, { grouped: count }) => sum + count, 0),
      groups: grouped(
        letters.flatMap(({ groups }) => groups),
        ({ key }) => key,
      )
        .map(mergeGroup)
        .sort((a, b) => b.count - a.count),
    },
  }
}

function mergeQueue(all: readonly [QueueRow, ...QueueRow[]], isShared: boolean): QueueRow {
  const [first] = all
  // Processes with shared tasks count the same ones, at different times.
  const stored = (field: 'pending' | 'queued' | 'processing' | 'retry' | 'deadLetters') =>
    isShared ? Math.max(...all.map((row) => row[field])) : totalsOf(all, [field])[field]
  const mean = (of: (row: QueueRow) => number) =>
    weighted(all.map((row) => [of(row), row.completed + row.failed + row.retried] as const)) ?? 0
  const times = (field: 'waitMs' | 'runMs') => ({
    p50: mean((row) => row[field].p50),
    p95: mean((row) => row[field].p95),
    p99: mean((row) => row[field].p99),
  })
  return {
    ...first,
    ...totalsOf(all, ['completed', 'retried', 'failed', 'cancelled', 'lost', 'throughputPerSecond']),
    ...totalsOf(all, ['maxConcurrency']),
    pending: stored('pending'),
    queued: stored('queued'),
    processing: stored('processing'),
    retry: stored('retry'),
    deadLetters: stored('deadLetters'),
    isPaused: all.some(({ isPaused }) => isPaused),
    waitMs: times('waitMs'),
    runMs: times('runMs'),
    retryRate: mean((row) => row.retryRate),
    oldestTaskMs: Math.max(...all.map(({ oldestTaskMs }) => oldestTaskMs)),
    // A process without workers sees no progress while workers in other processes make progress.
    isStalled: isShared ? all.every(({ isStalled }) => isStalled) : all.some(({ isStalled }) => isStalled),
    ...healthOf(all, isShared),
    depth: isShared ? deepest(all) : addedUp(all),
  }
}

/** For shared tasks, uses the health of the process that sees the most progress. */
function healthOf(all: readonly QueueRow[], isShared: boolean): Pick<QueueRow, 'health' | 'reasons'> {
  const worstFirst = [...all].sort((a, b) => HEALTH.indexOf(a.health) - HEALTH.indexOf(b.health))
  const { health, reasons } = (isShared ? worstFirst.at(-1) : worstFirst[0]) as QueueRow
  return { health, reasons }
}

/** The depths of the process that was observed the longest. */
function deepest(all: readonly QueueRow[]): QueueRow['depth'] {
  return all.reduce(
    (longest, row) => (row.depth.length > longest.length ? row.depth : longest),
    [] as QueueRow['depth'],
  )
}

/** Adds up the depths of all processes. They are 5 seconds apart in each process, at different times. */
function addedUp(all: readonly QueueRow[]): QueueRow['depth'] {
  const steps = grouped(
    all.flatMap(({ depth }) => depth),
    ([at]) => String(Math.round(at / DEPTH_STEP_MS)),
  )
  const sums = steps.map((same) => [same[0][0], same.reduce((sum, [, depth]) => sum + depth, 0)] as const)
  return sums.sort(([a], [b]) => a - b)
}

function mergeGroup(all: readonly [DeadLetterGroup, ...DeadLetterGroup[]]): DeadLetterGroup {
  return {
    ...all[0],
    count: all.reduce((sum, { count }) => sum + count, 0),
    newestAt: greatestOf(all.map(({ newestAt }) => newestAt)),
    letters: all.flatMap(({ letters }) => letters).slice(0, SHOWN),
  }
}

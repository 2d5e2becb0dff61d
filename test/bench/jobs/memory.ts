import { AsyncBatchProcessingEngine, createSluice } from '@sluice/core'
import fastq from 'fastq'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import type { BenchFigure } from '../database/report.ts'
import { type Contender, measure, type Operation } from '../harness.ts'

const CONCURRENCY = 10
const BASE = 'fastq.promise'
const OWN = 'sluice'

/** All tasks are added together, and do nothing; the benchmark awaits the promise of each. */
function operation(
  add: (at: number) => Promise<unknown>,
  done: () => unknown,
  close: () => unknown = () => {},
): Operation {
  return {
    async run(iterations) {
      const all: Promise<unknown>[] = []
      for (let at = 0; at < iterations; at += 1) all.push(add(at))
      await Promise.all(all)
      await done()
    },
    close: async () => void (await close()),
  }
}

function ofEngine(
  jobs: AsyncBatchProcessingEngine,
  close: () => unknown,
  priorities: readonly ('high' | 'normal')[],
): Operation {
  let added = 0
  let over = 0
  let resolve = () => {}
  jobs.registerProcessor(
    'default',
    async () => {
      over += 1
      if (over === added) resolve()
    },
    { concurrency: CONCURRENCY },
  )
  jobs.start()
  return operation(
    (at) => {
      added += 1
      return jobs.enqueueTask({ at }, priorities[at % priorities.length])
    },
    () =>
      new Promise<void>((done) => {
        resolve = done
        if (over === added) done()
      }),
    close,
  )
}

function sluice(): Operation {
  const jobs = new AsyncBatchProcessingEngine()
  return ofEngine(jobs, () => jobs.close(), ['normal'])
}

function sluiceInScopes(): Operation {
  const created = createSluice()
  const { jobs } = created
  if (jobs === undefined) throw new Error('It has jobs.')
  return ofEngine(jobs, () => created.close(), ['normal', 'high'])
}

function ofFastq(): Operation {
  const queue = fastq.promise<unknown, { at: number }, void>(async () => {}, CONCURRENCY)
  return operation(
    (at) => queue.push({ at }),
    () => {},
  )
}

function ofLimit(): Operation {
  const limit = pLimit(CONCURRENCY)
  return operation(
    (at) => limit(async () => void at),
    () => {},
  )
}

function ofQueue(priorities: readonly number[]): Operation {
  const queue = new PQueue({ concurrency: CONCURRENCY })
  return operation(
    (at) => queue.add(async () => void at, { priority: priorities[at % priorities.length] ?? 0 }),
    () => {},
  )
}

export const memoryContenders: readonly Contender[] = [
  { name: BASE, open: async () => ofFastq() },
  { name: OWN, open: async () => sluice() },
  { name: 'sluice, in scopes, two priorities', open: async () => sluiceInScopes() },
  { name: 'p-limit', open: async () => ofLimit() },
  { name: 'p-queue', open: async () => ofQueue([0]) },
  // 20% of the tasks, at a multiple of the cost per task: it sorts waiting tasks.
  { name: 'p-queue, four priorities', pace: 0.1, open: async () => ofQueue([0, 1, 2, 3]) },
]

/** Tasks that do nothing, in the process. */
export async function memoryFigures(rounds: number, tasks: number): Promise<BenchFigure[]> {
  const measured = await measure(memoryContenders, rounds, tasks)
  const base = measured.find(({ name }) => name === BASE)
  const figures: BenchFigure[] = measured.map(({ name, wallUs }) => ({
    id: `${name}, a task`,
    value: wallUs,
    unit: 'µs',
  }))
  for (const { name, wallUs } of measured) {
    if (name === BASE) continue
    const figure = {
      id: `${name} ÷ ${BASE}, tasks a second`,
      value: (base?.wallUs ?? Number.NaN) / wallUs,
      unit: '×' as const,
    }
    figures.push(name === OWN ? { ...figure, target: 0.5, bound: '≥' } : figure)
  }
  return [
    ...figures,
    { id: 'memory of a waiting task', value: await bytesOfWaiting(100_000), unit: 'B', target: 1_024 },
  ]
}

async function bytesOfWaiting(tasks: number): Promise<number> {
  const jobs = new AsyncBatchProcessingEngine()
  const collect = (globalThis as { readonly gc?: () => void }).gc
  collect?.()
  const before = process.memoryUsage().heapUsed
  for (let at = 0; at < tasks; at += 1) await jobs.enqueueTask({ at, kind: 'small' })
  collect?.()
  const bytes = (process.memoryUsage().heapUsed - before) / tasks
  await jobs.close()
  return collect === undefined ? Number.NaN : bytes
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection } from '@sluice/core'
import { readWorkload, type WorkloadEntry } from '@sluice/core/database'
import { knexConnection } from '@sluice/knex'
import { openClients } from '../clients.ts'
import type { DatabaseTarget } from '../database-target.ts'
import { createRandom } from '../random.ts'
import { planRequests } from '../requests.ts'
import { openSession } from '../session.ts'
import { createSluicedApp } from '../sluice.ts'
import { StatementCounter } from '../statement-counter.ts'
import { createWorkingCopy } from '../working-copy.ts'
import { type AdvisedIndex, type Analysis, advisedIndexes } from './analysis.ts'
import { type CarefulIndex, carefulIndexes, serves } from './careful-indexes.ts'
import { type Timings, timeReads } from './timings.ts'

export interface AdvicePlan {
  readonly loaded: DatabaseTarget
  readonly requests: number
  readonly seed: number
  /** Runs `sluice` with arguments and resolves to its output. */
  sluice(args: readonly string[]): Promise<string>
  say(line: string): void
}

export interface AdviceResult {
  readonly analysis: Analysis
  readonly workload: readonly WorkloadEntry[]
  readonly before: Timings
  readonly after: Timings
  readonly advised: readonly MeasuredIndex[]
  readonly careful: readonly { readonly index: CarefulIndex; readonly foundAs: string | undefined }[]
}

export interface MeasuredIndex extends AdvisedIndex {
  /** Milliseconds of the statement that benefits most, without and with the index. The others exist. */
  readonly without: number
  readonly with: number
}

/** How much slower a statement must be without an index. */
const GAIN = { factor: 1.2, ms: 0.02 } as const

export function hasGain({ without, with: present }: Pick<MeasuredIndex, 'without' | 'with'>): boolean {
  return without >= present * GAIN.factor && without - present >= GAIN.ms
}

/**
 * Observes the app while visitors use it, gets missing indexes from `sluice analyze`, creates them, and
 * measures the gain of each: every statement without any and with all, and the statements of each index
 * without that one.
 */
export async function runAdvice(plan: AdvicePlan): Promise<AdviceResult> {
  const folder = mkdtempSync(join(tmpdir(), 'atlas-advice-'))
  const copy = await createWorkingCopy(plan.loaded)
  const clients = openClients(copy.target, new StatementCounter())
  const connection = knexConnection(clients.db)
  let made: readonly AdvisedIndex[] = []
  try {
    plan.say(`Observing ${plan.requests} requests`)
    const text = await observe(plan)
    const workload = readWorkload(text)
    const file = join(folder, 'workload.json')
    writeFileSync(file, text)
    await connection.query(
      copy.target.kind === 'mysql' ? 'ANALYZE TABLE cities, regions, reviews' : 'ANALYZE',
    )
    plan.say('Running sluice analyze')
    const address = copy.target.kind === 'sqlite' ? `file:${copy.target.file}` : copy.target.url
    const analysis = JSON.parse(
      await plan.sluice(['analyze', address, '--workload', file, '--json']),
    ) as Analysis
    made = advisedIndexes(analysis)
    plan.say('Measuring')
    const before = await timeReads(connection, workload)
    for (const { sql } of made) await runAll(connection, sql)
    await connection.query(
      copy.target.kind === 'mysql' ? 'ANALYZE TABLE cities, regions, reviews' : 'ANALYZE',
    )
    const after = await timeReads(connection, workload)
    const advised: MeasuredIndex[] = []
    for (const index of made) advised.push(await measure(connection, copy.target.kind, index, workload))
    const careful = carefulIndexes(copy.target.kind).map((index) => ({
      index,
      foundAs: made.find((one) => serves(one, index))?.title,
    }))
    return { analysis, workload, before, after, advised, careful }
  } finally {
    // On a server the database stays: restore it.
    if (copy.target.kind !== 'sqlite')
      for (const index of made) await drop(connection, copy.target.kind, index).catch(() => {})
    await clients.close()
    copy.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function observe({ loaded, requests, seed }: AdvicePlan): Promise<string> {
  // Bindings are sampled randomly: the same seed must produce the same advice.
  const sluiced = createSluicedApp({
    kind: loaded.kind,
    mode: 'observe',
    report: false,
    more: { random: createRandom(seed).next },
  })
  const planning = openClients(loaded, new StatementCounter())
  const planned = await planRequests(planning.db, requests, seed).finally(() => planning.close())
  const session = await openSession({ loaded, sluiced })
  try {
    await session.drive(planned)
    return sluiced.sluice.database?.exportWorkload() ?? ''
  } finally {
    await session.close()
    await sluiced.sluice.close()
  }
}

async function measure(
  connection: Connection,
  kind: DatabaseTarget['kind'],
  index: AdvisedIndex,
  workload: readonly WorkloadEntry[],
): Promise<MeasuredIndex> {
  const only = new Set(index.fingerprints)
  const present = await timeReads(connection, workload, only)
  await drop(connection, kind, index)
  const absent = await timeReads(connection, workload, only)
  await runAll(connection, index.sql)
  const pairs = [...absent].map(([fingerprint, without]) => ({
    without,
    with: present.get(fingerprint) ?? Number.NaN,
  }))
  const [most = { without: Number.NaN, with: Number.NaN }] = pairs.sort(
    (a, b) => b.without / b.with - a.without / a.with,
  )
  return { ...index, ...most }
}

async function drop(
  connection: Connection,
  kind: DatabaseTarget['kind'],
  { name, table }: AdvisedIndex,
): Promise<void> {
  await connection.query(kind === 'mysql' ? `DROP INDEX \`${name}\` ON ${table}` : `DROP INDEX "${name}"`)
}

async function runAll(connection: Connection, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await connection.query(sql)
}

import { isDeepStrictEqual } from 'node:util'
import { Random } from '../support/random.ts'
import type { FromWorker, ToWorker, WorkerPlan } from './messages.ts'
import { OracleClient } from './oracle-client.ts'
import { ORM_SETS } from './orms.ts'
import { OwnFaults } from './own-faults.ts'
import { ReadQueries } from './read-queries.ts'
import { itemRow } from './rows.ts'
import { errorCode, openSubject, type Subject, unwrapped } from './subject.ts'
import { fleetingWrite, pickFleeting, pickWrite, type WriteOperation } from './write-operations.ts'

const FLEETING_SHARE = 0.2
const MAX_DIFFERENCES = 20
/**
 * Errors of PostgreSQL after which nothing was written for certain: not those of a lost connection or an
 * operator.
 */
const CERTAIN_STATE = /^(?!08|57)[0-9A-Z]{5}$/
const CERTAIN_PRISMA_CODES = new Set(['P2002', 'P2003', 'P2025', 'P2034'])

const plan = JSON.parse(process.argv[2] as string) as WorkerPlan
const random = new Random(plan.seed)
const oracle = new OracleClient()
const faults = new OwnFaults(plan.databaseUrl)
await faults.install()
const subject = await openSubject(plan.mode, plan)
const queries = new ReadQueries(ORM_SETS[plan.orms])
let isRunning = false
let running: Promise<unknown> = Promise.resolve()

process.on('message', (messages: readonly ToWorker[]) => messages.forEach(receive))

function receive(message: ToWorker): void {
  oracle.onMessage(message)
  if (message.type === 'run') {
    isRunning = true
    running = Promise.all(Array.from({ length: plan.concurrency }, loop))
  } else if (message.type === 'rest') {
    isRunning = false
    running.then(() => oracle.send({ type: 'idle' }))
  } else if (message.type === 'sweep') sweep(subject).then((swept) => oracle.send(swept))
  else if (message.type === 'arm') faults.arm(message.fault)
  else if (message.type === 'quit') process.exit(0)
}
// The judging process is gone.
process.on('disconnect', () => process.exit(1))
// A driver's promise that is not awaited when its connection is destroyed.
process.on('unhandledRejection', () => {})
oracle.send({ type: 'ready' })

async function loop(): Promise<void> {
  while (isRunning) {
    if (!random.chance(plan.writeShare)) await read()
    else if (random.chance(FLEETING_SHARE)) await writeFleeting()
    else await write(pickWrite(random, plan.orms))
  }
}

async function read(): Promise<void> {
  const query = queries.pick(random)
  const began = await oracle.turn()
  try {
    const answer = await subject.read(query.name, () => query.run(subject))
    const seen = { kind: query.kind, began, ...query.shows(answer as never) }
    oracle.send({ type: 'read', read: seen, hits: subject.hits(), knownHits: subject.knownHits() })
  } catch (error) {
    oracle.send({ type: 'failed', what: 'read', message: `${query.kind}: ${messageOf(error)}` })
  }
}

/** @returns Whether the effect of the write is certain. */
async function write({ kind, rows, run }: WriteOperation): Promise<boolean> {
  const { turn } = await oracle.turn()
  try {
    const { versions = [], raised, rolledBack } = await run(subject)
    if (rolledBack) return true
    await subject.wrote(plan.mode === 'naive' ? queries.namesTouching(rows) : [])
    if (raised !== undefined) oracle.send({ type: 'raised', rows: raised, turn })
    else oracle.acknowledged(versions)
    return true
  } catch (error) {
    const what = kindOf(error)
    oracle.send({ type: 'failed', what, message: `${kind}: ${messageOf(error)}` })
    return what !== 'unknown'
  }
}

async function writeFleeting(): Promise<void> {
  const ids = pickFleeting(random)
  const lock = await oracle.lock(ids.map(itemRow))
  let isCertain = false
  try {
    isCertain = await write(await fleetingWrite(ids, random, subject.bare, oracle, plan.orms))
  } catch (error) {
    oracle.send({ type: 'failed', what: 'refused', message: messageOf(error) })
  } finally {
    oracle.send({ type: 'released', lock, isCertain })
  }
}

/** Compares every result with that of the ORMs without a cache. No write runs meanwhile. */
async function sweep({ bare, read, ...clients }: Subject): Promise<FromWorker> {
  const differences: string[] = []
  for (const query of queries.all) {
    const [answer, expected] = await Promise.all([
      read(query.name, () => query.run(clients)),
      query.run(bare),
    ])
    if (isDeepStrictEqual(plain(answer), plain(expected)) || differences.length >= MAX_DIFFERENCES) continue
    differences.push(
      `${query.name}: ${JSON.stringify(answer)} where the database has ${JSON.stringify(expected)}`,
    )
  }
  return { type: 'swept', compared: queries.all.length, differences }
}

function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}

function kindOf(error: unknown): 'rejected' | 'refused' | 'unknown' {
  if (subject.isRejection(error)) return 'rejected'
  const code = errorCode(error)
  if (code === undefined) return 'unknown'
  return CERTAIN_PRISMA_CODES.has(code) || (!code.startsWith('P') && CERTAIN_STATE.test(code))
    ? 'refused'
    : 'unknown'
}

/** Short enough to group equal messages: without the statement that Knex puts before the driver's message. */
function messageOf(error: unknown): string {
  const { code, message } = unwrapped(error) as { readonly code?: string; readonly message?: string }
  const text = String(message ?? error)
  return `${code ?? ''} ${text.slice(text.lastIndexOf(' - ') + 1).trim()}`.trim()
}

import { ok, strictEqual } from 'node:assert'
import type { Finding } from '../query/detect/finding.ts'
import { type Act, type Check, ids, outcomeOf, type Trial } from './trial.ts'

const sequentially: Act = async (db) => {
  for (const id of ids(10)) await db.byKey(id)
}
const together: Act = (db) => Promise.all(ids(10).map((id) => db.byKey(id)))
const withArrows: Act = (db) => Promise.all(ids(10).map(async (id) => db.byKey(id)))
const inTransaction: Act = (db) =>
  db.transaction(async (transaction) => {
    for (const id of ids(10)) await transaction.byKey(id)
  })

/** The finding of a loop: with its call site in the harness, and as the driver saw it. */
async function findingOf(trial: Trial, act: Act): Promise<Finding | undefined> {
  const ran = await trial.same(act, { asPlain: true })
  if (ran.sent < 10) return undefined
  const finding = ran.report.findings?.find(({ code }) => code === 'N_PLUS_ONE')
  ok(finding !== undefined, 'an N+1 finding')
  const { file, package: through } = finding.callSite ?? {}
  ok(file === trial.harness.file, `call site in ${file}, expected ${trial.harness.file}`)
  ok(through === undefined, `a call site in code of the app, got one through ${through}`)
  if (trial.harness.hasFix) ok((finding.fix ?? '').length > 0, 'a fix in the syntax of the ORM')
  return finding
}

const found =
  (act: Act, pattern: string): Check =>
  async (trial) => {
    const finding = await findingOf(trial, act)
    if (finding === undefined) return 'the ORM batches them itself'
    strictEqual(finding.pattern, pattern)
    strictEqual(finding.count, 10)
    return undefined
  }

/** In mode `observe`. */
export const OBSERVE_CASES: Readonly<Record<string, Check>> = {
  'reports a loop with its call site and fix': found(sequentially, 'sequential'),
  'reports concurrent lookups': found(together, 'parallel'),
  'reports lookups of async arrows': found(withArrows, 'parallel'),
  'reports a loop in a transaction': found(inTransaction, 'sequential'),
  'sends no additional statements': async (trial) => {
    await trial.same((db) => Promise.all([db.list(), db.byKey(1), outcomeOf(() => db.byForeignKey(2))]), {
      asPlain: true,
    })
  },
}

/** In mode `optimize`. */
export const REPORT_CASES: Readonly<Record<string, Check>> = {
  'reports a loop that it cannot batch, with its call site and fix': found(sequentially, 'sequential'),
}

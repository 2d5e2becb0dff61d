import { deepStrictEqual, ok, strictEqual } from 'node:assert'
import type { Finding } from '../query/detect/finding.ts'
import type { ContractClient } from './contract-client.ts'
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

/** Node's default, which the runners of tests change. */
const STACK_LIMIT = 10

/** Acts on a table that does not exist. */
const ACTS: Readonly<Record<string, Act>> = {
  lookup: (db) => db.byKey(1),
  read: (db) => db.byForeignKeyAbove(1, 1),
  write: (db) => db.update(1, 'never'),
  'concurrent lookups': (db) => Promise.all(ids(3).map((id) => db.byKey(id))),
  'lookup in a transaction': (db) => db.transaction((transaction) => transaction.byKey(1)),
  'write in a transaction': (db) => db.transaction((transaction) => transaction.update(1, 'never')),
}

/** Functions of a file in the stack of an error and of its causes, from the innermost. */
function functionsIn(thrown: unknown, file: string): readonly string[] {
  const names = new Set<string>()
  for (let error = thrown; error instanceof Error; error = error.cause)
    for (const line of String(error.stack).split('\n'))
      if (line.includes(file)) names.add(/^\s*at (?:async )?(\S+) \(/.exec(line)?.[1] ?? line.trim())
  return [...names]
}

async function functionsOf(db: ContractClient, act: Act, file: string): Promise<readonly string[]> {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = STACK_LIMIT
  try {
    await act(db)
    return ['no error']
  } catch (error) {
    return functionsIn(error, file)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Errors of the database have the frames of the app that they have without Sluice. */
export const STACK_CASES: Readonly<Record<string, Check>> = Object.fromEntries(
  (['observe', 'shadow', 'optimize'] as const).map((mode): [string, Check] => [
    `keeps the frames of the app in the stack of an error, in mode ${mode}`,
    async (trial) => {
      const { plain, harness, sluice } = trial
      if (plain.execute === undefined) return 'execute is not offered'
      await plain.execute('alter table posts rename to gone_posts')
      try {
        sluice.setMode(mode)
        for (const [name, act] of Object.entries(ACTS)) {
          const expected = await functionsOf(plain, act, harness.file)
          await trial.sluice.run(async () => {
            const found = await functionsOf(trial.db, act, harness.file)
            deepStrictEqual(
              expected.filter((frame) => !found.includes(frame)),
              [],
              `frames that are missing in the error of a ${name}`,
            )
          })
        }
      } finally {
        await plain.execute('alter table gone_posts rename to posts')
      }
      return undefined
    },
  ]),
)

import { deepStrictEqual } from 'node:assert'
import type { ContractClient } from './contract-client.ts'
import { type Act, type Check, ids } from './trial.ts'

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

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newerNode } from '../services/newer-node.ts'
import { createTables } from '../support/contract-harnesses.ts'
import { type Database, databases } from '../support/databases.ts'
import { BEHAVIOR_CASES } from './behavior-cases.ts'
import { CONTRACT_CASES } from './cases.ts'
import { MIDDLEWARE_CASES } from './middleware-cases.ts'

interface Outcome {
  readonly name: string
  readonly skipped?: string
  readonly error?: string
}

const node = newerNode()
const [{ connect, skipped } = { skipped: 'No PostgreSQL.' }] = databases().filter(
  ({ dialect }) => dialect === 'postgresql',
)
const reason = 'skipped' in node ? node.skipped : skipped

describe.skipIf(reason !== undefined)(
  `@sluice/prisma8 on PostgreSQL${reason === undefined ? '' : `: ${reason}`}`,
  () => {
    let database: Database | undefined
    const outcomes = new Map<string, Outcome>()

    beforeAll(async () => {
      database = await connect?.()
      if (database === undefined || !('path' in node)) return
      await createTables(database)
      const main = join(import.meta.dirname, 'cases.main.ts')
      const child = spawn(node.path, ['--import', 'tsx', '--conditions=@sluice/source', main, database.url], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
      for (const line of output.split('\n').filter((one) => one !== '')) {
        const outcome = JSON.parse(line) as Outcome
        outcomes.set(outcome.name, outcome)
      }
    })
    afterAll(() => database?.drop())

    for (const { name } of [...CONTRACT_CASES, ...BEHAVIOR_CASES, ...MIDDLEWARE_CASES])
      it(name, ({ skip }) => {
        const outcome = outcomes.get(name)
        expect(outcome, 'the process has run this case').toBeDefined()
        expect(outcome?.error).toBeUndefined()
        if (outcome?.skipped !== undefined) skip(outcome.skipped)
      })
  },
)

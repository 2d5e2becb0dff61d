import type { Finding, ScopeReport } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const COUNT = 60

/** Sixty concurrent lookups by key. */
const loops: readonly [name: string, adapter: boolean, run: (stack: Stack) => Promise<unknown>][] = [
  [
    'Knex',
    true,
    ({ db }) =>
      Promise.all(
        Array.from({ length: COUNT }, (_, at) =>
          db('authors')
            .where('id', at + 1)
            .first(),
        ),
      ),
  ],
  ...([true, false] as const).map((adapter): (typeof loops)[number] => [
    adapter ? 'Prisma' : 'Prisma without sluiceAdapter',
    adapter,
    ({ prisma }) =>
      Promise.all(
        Array.from({ length: COUNT }, (_, at) => prisma.author.findUnique({ where: { id: at + 1 } })),
      ),
  ]),
]

describe.each(databases())('the database time of requests on $name', ({ dialect, skipped }) => {
  it.skipIf(skipped !== undefined).each(loops)('is at most the elapsed time: %s', async (_, adapter, run) => {
    const stack = await openStack(dialect, { mode: 'observe', adapter })
    onTestFinished(() => stack.close())
    await seed(stack.bare)
    const findings: Finding[] = []
    const reports: ScopeReport[] = []
    stack.sluice.on('finding', (finding) => findings.push(finding))
    stack.sluice.on('scope', (report) => reports.push(report))
    for (let time = 0; time < 3; time += 1) {
      await stack.sluice.run(() => run(stack), { name: 'GET /page' })
      const report = reports.at(-1) as ScopeReport
      expect(report.databaseMs).toBeGreaterThan(0)
      expect(report.databaseMs).toBeLessThanOrEqual(report.durationMs)
      for (const finding of findings.splice(0))
        expect(finding.databaseMs).toBeLessThanOrEqual(report.databaseMs)
    }
  })
})

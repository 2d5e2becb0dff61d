import type { Dialect } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { estimateYield, savedOf, type YieldReport } from '@sluice/core/yield'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { schemaProblems } from '../../packages/cli/test/support/schema-problems.ts'
import { knexDatabases } from '../support/databases.ts'
import { cliProject } from '../support/run-cli.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

type Program = (stack: Stack) => Promise<void>

/** Loops, resolver-like waves, repeated reads, writes and transactions through Knex. */
const knexProgram: Program = async ({ sluice, db }) => {
  for (let round = 0; round < 3; round += 1) {
    await sluice.run(async () => {
      const posts = await db('posts').orderBy('id').limit(20)
      for (const { author_id: id } of posts) await db('authors').where({ id }).select('id', 'full_name')
    })
    await sluice.run(async () => {
      const posts = await db('posts').where('id', '>', 20).orderBy('id')
      await Promise.all(
        posts.map(async ({ author_id: id }) => {
          const [author] = await db('authors').where({ id }).select('id', 'country_code')
          return db('comments').where({ author_id: author.id }).orderBy('id')
        }),
      )
    })
    await sluice.run(async () => {
      await db('posts').where({ id: 3 }).update({ views: round })
      await db.transaction(async (trx) => {
        await trx('countries').where({ code: 'FR' })
        await trx('countries').where({ code: 'DE' })
      })
    })
    await Promise.all([1, 2, 3].map((id) => db('authors').where({ id })))
  }
}

/** The same through Prisma, with eager-loaded relations. */
const prismaProgram: Program = async ({ sluice, prisma }) => {
  for (let round = 0; round < 3; round += 1) {
    await sluice.run(async () => {
      const posts = await prisma.post.findMany({ orderBy: { id: 'asc' }, take: 20 })
      for (const { authorId } of posts) await prisma.author.findFirst({ where: { id: authorId } })
    })
    await sluice.run(async () => {
      const posts = await prisma.post.findMany({ where: { id: { gt: 20 } }, include: { author: true } })
      await Promise.all(
        posts.map(async ({ authorId }) => {
          const author = await prisma.author.findFirst({ where: { id: authorId } })
          return prisma.comment.findMany({ where: { authorId: author?.id ?? 0 } })
        }),
      )
    })
    await sluice.run(async () => {
      await prisma.post.update({ where: { id: 3 }, data: { views: round } })
      await prisma.$transaction(async (tx) => {
        await tx.tag.findMany({ where: { id: 1 } })
        await tx.tag.findMany({ where: { id: 2 } })
      })
    })
    await Promise.all([1, 2, 3].map((id) => prisma.tag.findFirst({ where: { id } })))
  }
}

const PROGRAMS = { knex: knexProgram, prisma: prismaProgram }

/** Statements of a program without optimization, and the estimate from a trace of them. */
async function traced(stack: Stack, program: Program): Promise<{ sent: number; report: YieldReport }> {
  const { trace, catalogs } = hostOf(stack.sluice)
  await trace.openWindow()
  await Promise.all([stack.db('countries').limit(1), stack.prisma.tag.findFirst()])
  await vi.waitUntil(() => catalogs.isKnown() && !catalogs.isReading(), 20_000)
  const from = Date.now()
  stack.taken()
  await program(stack)
  const sent = stack.taken().length
  const recorded = trace.read()
  if (recorded === undefined) throw new Error('Expected a trace.')
  return { sent, report: estimateYield(recorded, from - recorded.header.startedAt) }
}

async function opened(dialect: Dialect, mode: 'observe' | 'optimize', client: string): Promise<Stack> {
  const stack = await openStack(dialect, { mode, client })
  onTestFinished(() => stack.close())
  await seed(stack.bare)
  return stack
}

describe.each(knexDatabases())('an estimate on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    it.each(['knex', 'prisma'] as const)(
      'is what optimize saves with %s',
      { timeout: 60_000 },
      async (orm) => {
        const program = PROGRAMS[orm]
        const { sent, report } = await traced(await opened(dialect, 'observe', client), program)
        const stack = await opened(dialect, 'optimize', client)
        await stack.ready()
        await stack.prisma.tag.findFirst()
        stack.taken()
        await program(stack)
        const saved = sent - stack.taken().length
        expect(saved).toBeGreaterThan(sent / 2)
        expect(
          Math.abs(savedOf(report) - saved),
          `${savedOf(report)} predicted, ${saved} saved of ${sent}`,
        ).toBeLessThanOrEqual(sent * 0.05)
        const reasons = report.missed.map(({ reason }) => reason)
        expect(reasons).toContain('batch:NO_SCOPE')
        // Reads in a transaction of PostgreSQL are served from the cache.
        expect(reasons.includes('cache:IN_TRANSACTION')).toBe(dialect !== 'postgresql')
      },
    )
  })
})

describe('npx sluice yield', () => {
  const project = cliProject()
  afterAll(() => project.remove())

  it('reads the trace that an app writes with SLUICE_TRACE', { timeout: 60_000 }, async () => {
    vi.stubEnv('SLUICE_TRACE', `${project.folder}/traces`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const stack = await openStack('sqlite', { mode: 'observe' })
    try {
      await seed(stack.bare)
      await vi.waitUntil(() => hostOf(stack.sluice).trace.current !== undefined)
      await knexProgram(stack)
    } finally {
      await stack.close()
    }
    const { code, out, err } = await project.run(['yield', 'traces', '--json'])
    expect([code, err]).toEqual([0, ''])
    expect(schemaProblems('yield', out)).toEqual([])
    const report = JSON.parse(out)
    expect(report).toMatchObject({ schemaVersion: 1, processes: 1 })
    expect(savedOf(report)).toBeGreaterThan(report.statements / 2)
    const text = await project.run(['yield', 'traces'])
    expect(text.out).toMatch(/^sluice yield {3}\d+ statements in /)
    // Values of the app are only in the form of hashes.
    for (const value of ['Author 3', 'post-7', 'example.org'])
      expect((await project.run(['yield', 'traces', '--json'])).out).not.toContain(value)
  })
})

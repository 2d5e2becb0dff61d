import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'
import { type Editor, openEditor } from './language-service.ts'

const CLIENTS = {
  plain: 'const prisma = bare.$extends({ query: { $allOperations: ({ args, query }) => query(args) } })',
  sluice: 'const prisma = bare.$extends(withSluice())',
}

const PROGRAM = `
await prisma.author./*▮model*/findMany()
await prisma.author.findMany/*▮method*/({ take: 1 })
await prisma.author.findMany({ /*▮findMany*/ })
await prisma.author.findUnique({ /*▮findUnique*/ where: { id: 1 } })
await prisma.author.findFirst({ /*▮findFirst*/ })
await prisma.author.findFirstOrThrow({ /*▮findFirstOrThrow*/ })
await prisma.author.count({ /*▮count*/ })
await prisma.author.aggregate({ /*▮aggregate*/ })
await prisma.author.groupBy({ /*▮groupBy*/ by: ['id'], _count: true })
await prisma.author.findMany({ where: { /*▮where*/ } })
await prisma.author.findMany({ where: { name: { /*▮filter*/ } } })
await prisma.author.findMany({ where: { posts: { some: { /*▮some*/ } } } })
await prisma.author.findMany({ include: { /*▮include*/ } })
await prisma.author.findMany({ include: { posts: { /*▮included*/ } } })
await prisma.author.findMany({ select: { /*▮select*/ } })
await prisma.author.findMany({ orderBy: { /*▮orderBy*/ } })
await prisma.author.findMany({ where/*▮hoverArgument*/: {} })
await prisma.author.create({ data: { /*▮create*/ name: '', email: '' } })
await prisma.author.update({ where: { id: 1 }, data: { /*▮update*/ } })
await prisma.$transaction(async (tx) => tx.author.findMany({ /*▮transaction*/ }))
const rows/*▮hoverRows*/ = await prisma.author.findMany({ include: { posts: true } })
rows[0]?./*▮row*/name
await prisma.author.findUnique({ where: { id: 1 } })./*▮fluent*/posts()
`

function open(client: keyof typeof CLIENTS): Editor {
  const text = `import type { sluiceAdapter } from '@sluice/prisma'
import { withSluice } from '@sluice/prisma'
import { PrismaClient } from '../generated/sqlite/client/client.ts'
declare const adapter: Parameters<typeof sluiceAdapter>[0]
const bare = new PrismaClient({ adapter })
void withSluice
${CLIENTS[client]}
${PROGRAM}`
  return openEditor(import.meta.dirname, `${client}.ts`, text)
}

const READS = [
  'findMany',
  'findUnique',
  'findFirst',
  'findFirstOrThrow',
  'count',
  'aggregate',
  'groupBy',
  'transaction',
]
const OTHERS = [
  'model',
  'where',
  'filter',
  'some',
  'include',
  'included',
  'select',
  'orderBy',
  'create',
  'update',
  'row',
  'fluent',
]

describe('an editor with withSluice, compared with an extension without effect', { timeout: TEST_MS }, () => {
  const plain = open('plain')
  const sluice = open('sluice')

  it('reports no error in the program', () => {
    expect([plain.errors, sluice.errors]).toEqual([[], []])
  })

  it.each(READS)('completes the arguments of a read (%s), with cache in addition', (marker) => {
    const expected = plain.completions(marker)
    expect(expected.length).toBeLessThan(20)
    expect(sluice.completions(marker)).toEqual([...expected, 'cache'].sort())
  })

  it.each(OTHERS)('completes the same names (%s)', (marker) => {
    expect(plain.completions(marker).length).toBeGreaterThan(0)
    expect(sluice.completions(marker)).toEqual(plain.completions(marker))
  })

  it('shows the documentation of an argument', () => {
    expect(plain.hover('hoverArgument')?.docs).toBe('Filter, which Authors to fetch.')
    expect(sluice.hover('hoverArgument')?.docs).toBe(plain.hover('hoverArgument')?.docs)
  })

  it('shows the rows with their fields', () => {
    const fields = (editor: Editor) =>
      [...(editor.hover('hoverRows')?.type ?? '').matchAll(/(\w+): /g)].map(([, name]) => name).sort()
    expect(fields(sluice)).toContain('posts')
    expect(fields(sluice)).toEqual(fields(plain))
  })

  it('instantiates at most 30% more types for the reads', () => {
    expect(sluice.instantiations / plain.instantiations).toBeLessThan(1.3)
  })
})

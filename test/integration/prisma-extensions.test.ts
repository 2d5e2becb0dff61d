import { Prisma } from '@prisma/client/extension'
import { createSluice, formatFinding } from '@sluice/core'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectRead } from '../support/catalog-read.ts'
import { SOON } from '../support/patience.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const ids = [1, 2, 3, 4, 5]

interface Hook {
  readonly args: object
  readonly query: (args: never) => Promise<unknown>
}

const onlyActive = ({ args, query }: Hook) =>
  query({ ...args, where: { ...(args as { where?: object }).where, active: true } } as never)

describe('other extensions', () => {
  let stack: Stack
  beforeEach(async () => {
    stack = await openStack('sqlite')
    await seed(stack.bare)
    await stack.prisma.tag.count()
    stack.taken()
  })
  afterEach(() => stack.close())

  const client = () => {
    const { clients, sluice } = stack
    return new clients.PrismaClient({ adapter: sluiceAdapter(clients.createAdapter(), sluice) })
  }
  const sluiced = (extended: unknown) =>
    (extended as { $extends(extension: unknown): unknown }).$extends(
      withSluice(stack.sluice, { schema: stack.clients.schema }),
    ) as TestPrismaClient

  /** Soft delete as commonly written: reads only see rows that are not "deleted" (here: active authors). */
  const softDelete = Prisma.defineExtension({
    query: {
      author: {
        findUnique: onlyActive,
        findMany: onlyActive,
      },
    },
  })

  it('receives the arguments of an earlier extension, and batches and caches the call', async () => {
    await stack.bare.author.update({ where: { id: 2 }, data: { active: false } })
    const own = client()
    const prisma = sluiced(own.$extends(softDelete))
    const bare = stack.bare.$extends(softDelete) as unknown as TestPrismaClient
    const program = (p: TestPrismaClient) =>
      Promise.all([
        ...ids.map((id) => p.author.findUnique({ where: { id } })),
        ...ids.map((id) => p.author.findMany({ where: { id } })),
      ])
    expect(await stack.sluice.run(() => program(prisma))).toEqual(await program(bare))
    await own.$disconnect()
  })

  it('neither batches nor caches under a later extension with query hooks', async () => {
    await stack.bare.author.update({ where: { id: 2 }, data: { active: false } })
    const own = client()
    const prisma = (sluiced(own) as unknown as { $extends(extension: unknown): unknown }).$extends(
      softDelete,
    ) as TestPrismaClient
    const bare = stack.bare.$extends(softDelete) as unknown as TestPrismaClient
    const program = (p: TestPrismaClient) =>
      Promise.all([
        ...ids.map((id) => p.author.findUnique({ where: { id } })),
        ...ids.map((id) => p.author.findMany({ where: { id } })),
      ])
    const before = stack.sluice.queries.getStats()
    for (let round = 0; round < 2; round += 1)
      expect(await stack.sluice.run(() => program(prisma))).toEqual(await program(bare))
    const after = stack.sluice.queries.getStats()
    expect([after.batched - before.batched, after.cacheHits - before.cacheHits]).toEqual([0, 0])
    expect(after.passedThrough).toMatchObject({ 'batch:EXTENSION_ADDED_AFTER_SLUICE': 10 })
    await own.$disconnect()
  })

  it('separates the tenants of a later extension', async () => {
    let tenant = 'FR'
    const byTenant = Prisma.defineExtension({
      query: {
        author: {
          $allOperations: ({ args, query }) =>
            query({
              ...args,
              where: { ...(args as { where?: object }).where, countryCode: tenant },
            } as never),
        },
      },
    })
    const own = client()
    const prisma = (sluiced(own) as unknown as { $extends(extension: unknown): unknown }).$extends(
      byTenant,
    ) as TestPrismaClient
    const french = await prisma.author.findMany({ orderBy: { id: 'asc' } })
    tenant = 'DE'
    const german = await prisma.author.findMany({ orderBy: { id: 'asc' } })
    expect([
      french.length > 0,
      german.length > 0,
      french.some(({ id }) => german.some((other) => other.id === id)),
    ]).toEqual([true, true, false])
    await own.$disconnect()
  })

  it('applies a later extension inside transactions too', async () => {
    const own = client()
    const seen: string[] = []
    const spy = Prisma.defineExtension({
      query: {
        $allOperations: ({ operation, args, query }) => {
          seen.push(operation)
          return query(args)
        },
      },
    })
    const prisma = (sluiced(own) as unknown as { $extends(extension: unknown): unknown }).$extends(
      spy,
    ) as TestPrismaClient
    await prisma.$transaction(async (tx) => {
      await tx.tag.count()
    })
    expect(seen).toEqual(['count'])
    await own.$disconnect()
  })

  it('computes result fields on batched and cached rows, including their keys', async () => {
    const own = client()
    const shout = Prisma.defineExtension({
      result: {
        author: {
          shout: { needs: { name: true }, compute: ({ name }: { name: string }) => name.toUpperCase() },
          id: { needs: { id: true }, compute: ({ id }: { id: number }) => id + 1000 },
        },
      },
    })
    const program = (p: TestPrismaClient) =>
      Promise.all(ids.map((id) => p.author.findFirst({ where: { id } })))
    // Computed rows are proxies that are only equal to themselves.
    const plain = (row: object | null) => Object.entries(row ?? {})
    const expected = await program(stack.bare.$extends(shout) as unknown as TestPrismaClient)
    for (const prisma of [
      sluiced(own.$extends(shout)),
      (sluiced(own) as unknown as { $extends(extension: unknown): unknown }).$extends(
        shout,
      ) as TestPrismaClient,
    ]) {
      for (let round = 0; round < 2; round += 1) {
        const found = await stack.sluice.run(() => program(prisma))
        expect(found.map(plain)).toEqual(expected.map(plain))
        expect((found[0] as unknown as { shout: string }).shout).toBe('AUTHOR 1')
      }
    }
    expect(stack.sluice.queries.getStats().batched).toBeGreaterThan(0)
    await own.$disconnect()
  })

  it('keeps the fields that computed fields need, regardless of the fields that Sluice adds', async () => {
    const computed = {
      result: {
        author: {
          tag: {
            needs: { id: true, name: true },
            compute: ({ id, name }: { id: number; name: string }) => `${id} ${name}`,
          },
        },
        post: {
          link: {
            needs: { id: true, authorId: true },
            compute: (p: { id: number; authorId: number }) => `${p.authorId}/${p.id}`,
          },
          deep: { needs: { link: true }, compute: ({ link }: { link: string }) => `deep ${link}` },
        },
      },
    }
    const extend = (c: unknown) =>
      (c as { $extends(extension: unknown): unknown }).$extends(computed) as TestPrismaClient
    type Program = (p: TestPrismaClient) => Promise<unknown>
    const posts =
      (args: object): Program =>
      (p) =>
        Promise.all(
          ids.map((authorId) => p.post.findMany({ where: { authorId }, orderBy: { id: 'asc' }, ...args })),
        )
    const authors =
      (args: object): Program =>
      (p) =>
        Promise.all(ids.map((id) => p.author.findFirst({ where: { id }, ...args })))
    const loop =
      (args: object): Program =>
      async (p) => {
        const found = []
        for (const { authorId } of await p.post.findMany({ orderBy: { id: 'asc' } }))
          found.push(await p.author.findUnique({ where: { id: authorId }, ...args }))
        return found
      }
    const programs: readonly Program[] = [
      authors({ select: { tag: true } }),
      authors({ omit: { id: true } }),
      authors({ omit: { id: true, tag: true } }),
      posts({ select: { link: true } }),
      posts({ select: { deep: true } }),
      posts({ select: { title: true } }),
      posts({ omit: { authorId: true } }),
      posts({ omit: { authorId: true, link: true, deep: true } }),
      posts({ omit: { authorId: undefined } }),
      posts({ select: { link: true }, take: 1 }),
      posts({ omit: { id: true }, take: 1 }),
      posts({ omit: { id: true, link: true, deep: true }, take: 1 }),
      loop({ select: { tag: true } }),
      loop({ omit: { id: true } }),
      loop({ omit: { id: true, tag: true } }),
    ]
    const own = client()
    await connectRead(own, stack.sluice)
    const [before, after] = [sluiced(extend(own)), sluiced(own)]
    const later = extend(after)
    const bare = extend(stack.bare)
    for (const [at, program] of programs.entries()) {
      const expected = JSON.stringify(await program(bare), asText)
      const merged = stack.sluice.queries.getStats()
      expect(JSON.stringify(await stack.sluice.run(() => program(before)), asText), `before, ${at}`).toBe(
        expected,
      )
      const { batched: now, prefetched } = stack.sluice.queries.getStats()
      expect(now + prefetched, `${at}`).toBeGreaterThan(merged.batched + merged.prefetched)
      expect(JSON.stringify(await stack.sluice.run(() => program(later)), asText), `after, ${at}`).toBe(
        expected,
      )
    }
    expect(stack.sluice.queries.getStats().passedThrough['batch:UNKNOWN_COMPUTED_FIELDS']).toBeGreaterThan(0)
    // A client without the extension has no computed fields, although it shares a Sluice with a client that
    // has them.
    const omitting = posts({ omit: { id: true } })
    const both = await stack.sluice.run(() =>
      Promise.all([omitting(later), omitting(after), omitting(later)]),
    )
    const expected = await Promise.all([omitting(bare), omitting(stack.bare), omitting(bare)])
    expect(JSON.stringify(both, asText)).toBe(JSON.stringify(expected, asText))
    await own.$disconnect()
  })

  it('keeps several clients on one Sluice separate and coherent', async () => {
    const [one, two] = [client(), client()]
    const [first, second] = [sluiced(one), sluiced(two)]
    await first.tag.findMany()
    await second.tag.update({ where: { id: 1 }, data: { label: 'by the second' } })
    expect(await first.tag.findMany({ orderBy: { id: 'asc' } })).toEqual(
      await stack.bare.tag.findMany({ orderBy: { id: 'asc' } }),
    )
    await Promise.all([one.$disconnect(), two.$disconnect()])
  })

  it('keeps $on and event listeners working', async () => {
    const { clients } = stack
    const own = new clients.PrismaClient({
      adapter: sluiceAdapter(clients.createAdapter(), stack.sluice),
      log: [{ emit: 'event', level: 'query' }],
    })
    const heard: string[] = []
    ;(own as unknown as { $on(event: string, listener: (event: { query: string }) => void): void }).$on(
      'query',
      ({ query }) => heard.push(query),
    )
    const prisma = sluiced(own)
    await prisma.tag.count()
    await vi.waitFor(() => expect(heard.some((sql) => sql.includes('Tag'))).toBe(true), SOON)
    await own.$disconnect()
  })
})

describe('observe mode', () => {
  it('changes no result, and reports the call site, the parent query and the fix', async () => {
    const stack = await openStack('sqlite', { mode: 'observe' })
    await seed(stack.bare)
    const program = async (p: TestPrismaClient) => {
      const posts = await p.post.findMany({ where: { id: { lte: 8 } }, orderBy: { id: 'asc' } })
      const comments = []
      for (const { id } of posts)
        comments.push(await p.comment.findMany({ where: { postId: id }, orderBy: { id: 'asc' } }))
      return comments
    }
    const expected = await program(stack.bare)
    expect(await stack.sluice.run(() => program(stack.prisma), { name: 'list' })).toEqual(expected)
    const [finding] = stack.sluice.queries.getNPlusOnePatterns()
    expect(finding).toMatchObject({
      scope: 'list',
      count: 8,
      pattern: 'sequential',
      queries: 9,
      queriesPossible: 2,
    })
    expect(finding?.callSite?.file).toMatch(/prisma-extensions\.test\.ts$/)
    expect(finding?.parent?.label).toBe('Post.findMany where id')
    expect(finding?.fix).toBe(`include: { comments: { orderBy: { id: 'asc' } } }  // in post.findMany`)
    expect(formatFinding(finding as never)).toContain('9 queries → 2 possible')
    await stack.close()
  })

  it('distinguishes raw queries by their SQL', async () => {
    const stack = await openStack('sqlite', { mode: 'observe' })
    await seed(stack.bare)
    await stack.sluice.run(async () => {
      for (let id = 1; id <= 3; id += 1) {
        await stack.prisma.$queryRaw`SELECT title FROM posts WHERE id = ${id}`
        await stack.prisma.$queryRaw`SELECT full_name FROM authors WHERE id = ${id}`
      }
      for (let id = 1; id <= 6; id += 1)
        await stack.prisma.$queryRawUnsafe(`SELECT label FROM Tag WHERE id = ${id}`)
    })
    expect(stack.sluice.queries.getNPlusOnePatterns().map(({ label, count }) => [label, count])).toEqual([
      ['SELECT label FROM Tag WHERE id = ?', 6],
    ])
    await stack.close()
  })

  it('does not report lookups that Prisma batches itself', async () => {
    const stack = await openStack('sqlite', { mode: 'observe' })
    await seed(stack.bare)
    await stack.sluice.run(() =>
      Promise.all(ids.map((id) => stack.prisma.author.findUnique({ where: { id } }))),
    )
    expect(stack.sluice.queries.getNPlusOnePatterns()).toEqual([])
    await stack.close()
  })
})

describe('a client of an unsupported version', () => {
  it('passes queries through with a warning', async () => {
    const stack = await openStack('sqlite')
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const sluice = createSluice({ mode: 'optimize' })
    for (const version of ['5.22.0', '8.0.0', undefined]) {
      warned.mockClear()
      const fake = Object.create(stack.bare) as object
      Object.defineProperty(fake, '_clientVersion', { value: version })
      const extended = (
        stack.bare.$extends as unknown as (this: object, extension: unknown) => TestPrismaClient
      ).call(fake, withSluice(sluice, { schema: stack.clients.schema }))
      expect(await extended.tag.count()).toBe(0)
      expect(warned.mock.calls[0]?.[0]).toContain(version ?? 'unknown version')
    }
    expect(sluice.queries.getStats().seen).toBe(0)
    warned.mockRestore()
    await stack.close()
  })

  it.each([
    ['schema', { schema: { version: 2 } }],
    ['schema', { schema: 'x' }],
    ['catalog', { catalog: {} }],
  ])('rejects an invalid option: %s', (option, options) => {
    expect(() => withSluice(createSluice(), options as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }),
    )
  })
})

function asText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

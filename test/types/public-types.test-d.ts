import { createSluice, type Finding, type Mode, type Sluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { sluiceProxy } from '@sluice/fastify/proxy'
import { createProxy } from '@sluice/http/proxy'
import { unsluice, withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, type TransactionClientOf, withSluice } from '@sluice/prisma'
import type { RequestHandler } from 'express'
import { type FastifyTypeProviderDefault, fastify } from 'fastify'
import type { Knex } from 'knex'
import { describe, expectTypeOf, it } from 'vitest'
import { type Author, type Post, PrismaClient } from '../generated/sqlite/client/client.ts'

declare const sluice: Sluice
declare const db: Knex
declare const adapter: Parameters<typeof sluiceAdapter>[0]

const client = new PrismaClient({ adapter })

describe('an extended Prisma client', () => {
  const extended = client.$extends(withSluice(sluice))

  it('has a type that accepts the client and the client of its transactions', () => {
    type Db = TransactionClientOf<typeof extended>
    const author = (db: Db, id: number) => db.author.findUnique({ where: { id } })
    expectTypeOf(author(extended, 1)).resolves.toEqualTypeOf<Author | null>()
    expectTypeOf(extended.$transaction((tx) => author(tx, 1))).resolves.toEqualTypeOf<Author | null>()
    expectTypeOf(
      extended.$transaction(async (tx: Db) => author(tx, 1)),
    ).resolves.toEqualTypeOf<Author | null>()
  })

  it('has the results of the client that it extends', () => {
    expectTypeOf(extended.author.findMany()).resolves.toEqualTypeOf<Author[]>()
    expectTypeOf(extended.post.findUnique({ where: { id: 1 } })).resolves.toEqualTypeOf<Post | null>()
    expectTypeOf(
      extended.author.findMany({ select: { name: true, posts: { select: { title: true } } } }),
    ).resolves.toEqualTypeOf<{ name: string; posts: { title: string }[] }[]>()
  })

  it('keeps fluent calls and transactions typed', () => {
    expectTypeOf(extended.author.findUnique({ where: { id: 1 } }).posts()).resolves.toEqualTypeOf<
      Post[] | null
    >()
    expectTypeOf(
      extended.$transaction([extended.author.findMany(), extended.post.count()]),
    ).resolves.toEqualTypeOf<[Author[], number]>()
    expectTypeOf(extended.$transaction(async (tx) => tx.post.count())).resolves.toEqualTypeOf<number>()
  })

  it('rejects arguments that the client rejects', () => {
    // @ts-expect-error there is no such field
    extended.author.findMany({ where: { nobody: 1 } })
  })

  it('takes a Sluice, options, or nothing', () => {
    client.$extends(withSluice())
    client.$extends(withSluice({ mode: 'optimize' }))
    // @ts-expect-error there is no such mode
    withSluice({ mode: 'fast' })
  })
})

describe('the plugins for Fastify', () => {
  const apps = [
    fastify(),
    fastify({ logger: true }),
    fastify({ forceCloseConnections: true }).withTypeProvider<FastifyTypeProviderDefault>(),
  ] as const

  it('are registered in any app, with their options', () => {
    apps[0].register(sluicePlugin)
    apps[0].register(sluicePlugin, { sluice, report: false, serverTiming: true })
    apps[1].register(sluicePlugin, { sluice: { mode: 'optimize' } })
    apps[2].register(sluiceProxy, {
      prefix: '/api',
      nodes: ['10.0.0.1:8080'],
      rewritePrefix: '/v1',
      logLevel: 'warn',
    })
    fastify({ https: {} }).register(sluiceProxy, {
      prefix: '/api',
      proxy: createProxy({ nodes: [] }),
      websocket: false,
    })
  })

  it('reject unknown options', () => {
    // @ts-expect-error there is no such option
    apps[0].register(sluicePlugin, { reports: true })
    // @ts-expect-error there is no such option
    apps[0].register(sluiceProxy, { prefix: '/api', upstream: 'http://10.0.0.1:8080' })
  })
})

describe('the other entry points', () => {
  it('return the type of their argument', () => {
    expectTypeOf(withSluiceKnex(db, sluice)).toEqualTypeOf<Knex>()
    expectTypeOf(unsluice(db)).toEqualTypeOf<Knex>()
    expectTypeOf(sluiceMiddleware(sluice)).toExtend<RequestHandler>()
    expectTypeOf(sluiceAdapter(adapter, sluice).provider).toEqualTypeOf(adapter.provider)
  })

  it('return the results of the functions that they run', () => {
    expectTypeOf(sluice.run(() => 1)).resolves.toEqualTypeOf<number>()
    expectTypeOf(sluice.run(async () => 'a')).resolves.toEqualTypeOf<string>()
    expectTypeOf(createSluice().mode).toEqualTypeOf<Mode>()
  })

  it('type events by name', () => {
    sluice.on('finding', (finding) => expectTypeOf(finding).toEqualTypeOf<Finding>())
    // @ts-expect-error there is no such event
    sluice.on('n+1', () => {})
  })
})

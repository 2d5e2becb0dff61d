import { createSluice, type SluiceOptions } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { type PrismaOptions, sluiceAdapter, withSluice } from '@sluice/prisma'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { connectRead } from '../support/catalog-read.ts'
import { ownNow } from '../support/own-clock.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { createAdapter, prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'
import { type ReplicaPairKind, replicaPairs } from '../support/replica-pairs.ts'
import { tcpSwitch } from '../support/tcp-switch.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

for (const kind of replicaPairs())
  describe.skipIf(kind.skipped !== undefined)(`Prisma with replicas of ${kind.name}`, () => testOf(kind))

function testOf(kind: ReplicaPairKind): void {
  const { dialect } = kind
  let pair: ReplicaPair
  let replica: PairReplica
  let spare: PairReplica
  const closing: (() => Promise<unknown>)[] = []

  const at = (url: string) => ({ url }) as Parameters<typeof createAdapter>[1]

  beforeAll(async () => {
    pair = await kind.start(2)
    ;[replica, spare] = pair.replicas as [PairReplica, PairReplica]
    const { ddl } = await prismaClient(dialect, at(pair.primary))
    for (const statement of ddl.split(/;\n/).filter((text) => text.trim() !== ''))
      await kind.on(pair.primary, statement)
    await kind.on(
      pair.primary,
      `INSERT INTO countries (code, name) VALUES ('FR', 'France'), ('DE', 'Germany'), ('ES', 'Spain'), ('IT', 'Italy')`,
    )
    await kind.caughtUp(pair, replica)
  }, TEST_MS)

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  afterAll(() => pair?.stop())

  async function open(
    options: Partial<PrismaOptions> = {},
    sluiceOptions: SluiceOptions = {},
    extend = (client: object) => client,
    url = replica.url,
  ) {
    const clients = await prismaClient(dialect, at(pair.primary))
    const errors: unknown[] = []
    const sluice = createSluice({ mode: 'optimize', cache: false, ...sluiceOptions })
    sluice.on('error', (error) => errors.push(error))
    const other = new clients.PrismaClient({ adapter: createAdapter(dialect, at(url)) })
    const own = new clients.PrismaClient({
      adapter: sluiceAdapter(createAdapter(dialect, at(pair.primary)), sluice),
    })
    const extended = (extend(own) as typeof own).$extends(
      withSluice(sluice, { schema: clients.schema, replicas: [other], ...options }),
    )
    const prisma = extended as unknown as TestPrismaClient
    closing.push(async () => {
      await sluice.close()
      await Promise.all([own.$disconnect(), other.$disconnect()])
      expect(errors).toEqual([])
    })
    await connectRead(own, sluice)
    const stats = () => sluice.replicas.getStats()[0] as ReplicaRoutingStats
    return { sluice, prisma, stats }
  }

  async function openUsed(...args: Parameters<typeof open>) {
    const opened = await open(...args)
    for (let tries = 0; opened.stats().replicaReads === 0 && tries < 500; tries += 1) {
      await opened.prisma.country.count()
      await sleep(10)
    }
    expect(opened.stats().replicaReads).toBeGreaterThan(0)
    return opened
  }

  it('has read-your-writes consistency', { timeout: TEST_MS }, async () => {
    const { sluice, prisma, stats } = await openUsed()
    const before = stats().replicaReads
    let stale = 0
    const walk = async (code: string) => {
      for (let i = 1; i <= 150; i += 1) {
        await sluice.run(async () => {
          const name = `${code} ${i}`
          await prisma.country.update({ where: { code }, data: { name } })
          for (let k = 0; k < 3; k += 1) {
            const [one, many] = await Promise.all([
              prisma.country.findUnique({ where: { code } }),
              prisma.country.findMany(),
            ])
            if (one?.name !== name || !many.some((row) => row.name === name)) stale += 1
            await sleep(5)
          }
        })
      }
    }
    await Promise.all(['FR', 'DE', 'ES', 'IT'].map(walk))
    console.log(
      `${kind.name}: ${stale} stale, ${stats().replicaReads - before} of 3,600 reads on the replica`,
    )
    expect(stale).toBe(0)
    expect(stats().replicaReads).toBeGreaterThan(before)
  })

  it('misses no write while replay is paused', { timeout: TEST_MS }, async () => {
    const { sluice, prisma, stats } = await openUsed({ maxLagMs: 60_000 })
    await replica.pauseReplay()
    try {
      let stale = 0
      const walk = async (code: string) => {
        for (let i = 1; i <= 300; i += 1) {
          await sluice.run(async () => {
            await prisma.country.update({ where: { code }, data: { name: `paused ${i}` } })
            if ((await prisma.country.findUnique({ where: { code } }))?.name !== `paused ${i}`) stale += 1
          })
        }
      }
      await Promise.all(['FR', 'DE', 'ES', 'IT'].map(walk))
      expect(stale).toBe(0)
      const before = stats().replicaReads
      await sluice.run(() => prisma.country.findMany())
      expect(stats().replicaReads).toBe(before + 1)
    } finally {
      await replica.resumeReplay()
    }
  })

  it('loses no read when the replica is killed, and uses it again', { timeout: TEST_MS }, async () => {
    const { sluice, prisma, stats } = await openUsed()
    const failed: unknown[] = []
    let done = 0
    let isRunning = true
    const load = async () => {
      while (isRunning) {
        await sluice
          .run(() => prisma.country.findMany())
          .then(
            () => {
              done += 1
            },
            (error: unknown) => failed.push(error),
          )
        await sleep(2)
      }
    }
    const loads = Array.from({ length: 4 }, load)
    await sleep(300)
    await replica.kill()
    await sleep(500)
    await replica.restart()
    const [at, before] = [performance.now(), stats().replicaReads]
    while (stats().replicaReads === before && performance.now() - at < SOON.timeout) await sleep(5)
    isRunning = false
    await Promise.all(loads)
    console.log(
      `killed: ${done} reads, ${failed.length} failed, used again ${(performance.now() - at).toFixed(0)} ms after the restart`,
    )
    expect(failed).toEqual([])
    expect(stats().replicaReads).toBeGreaterThan(before)
  })

  it('continues reading when the replica hangs', { timeout: TEST_MS }, async () => {
    const { sluice, prisma, stats } = await openUsed({ readTimeoutMs: 1_000 })
    let slowestMs = 0
    const read = async () => {
      const startedAt = ownNow()
      await sluice.run(() => prisma.country.findMany())
      slowestMs = Math.max(slowestMs, ownNow() - startedAt)
    }
    replica.hang()
    try {
      for (let i = 0; i < 20; i += 1) {
        await Promise.all([read(), read(), read()])
        await sleep(50)
      }
    } finally {
      replica.resume()
    }
    expect(slowestMs).toBeLessThan(2_000)
    const before = stats().replicaReads
    for (let tries = 0; stats().replicaReads === before && tries < 1_000; tries += 1) {
      await read()
      await sleep(10)
    }
    expect(stats().replicaReads).toBeGreaterThan(before)
  })

  it('reads from no new connection to a server that lags further', { timeout: TEST_MS }, async () => {
    const road = await tcpSwitch(replica.url)
    closing.push(() => road.close())
    // Otherwise the pool opens all its connections immediately.
    const url = `${road.url(replica.url)}${kind.name === 'MariaDB' ? '?connectionLimit=4&minimumIdle=1' : ''}`
    const { sluice, prisma, stats } = await openUsed({ maxLagMs: 60_000 }, {}, undefined, url)
    const read = async () => (await prisma.country.findUnique({ where: { code: 'FR' } }))?.name
    await spare.pauseReplay()
    try {
      let stale = 0
      await sluice.run(async () => {
        await prisma.country.update({ where: { code: 'FR' }, data: { name: 'led' } })
        const before = stats().replicaReads
        while (stats().replicaReads === before) {
          if ((await read()) !== 'led') stale += 1
          await sleep(5)
        }
        road.lead(spare.url)
        for (let i = 0; i < 20; i += 1) {
          const ask = (take: number) => prisma.country.findMany({ where: { code: 'FR' }, take })
          const rows = (await Promise.all(Array.from({ length: 8 }, (_, at) => ask(at + 1)))).flat()
          stale += rows.filter(({ name }) => name !== 'led').length
        }
      })
      expect(stale).toBe(0)
    } finally {
      await spare.resumeReplay()
    }
  })

  it('queries the primary in transactions and batches, for raw queries, and in onPrimary', async () => {
    const { prisma, sluice, stats } = await openUsed()
    const before = stats().replicaReads
    await prisma.$transaction(async (tx) => {
      await tx.country.update({ where: { code: 'DE' }, data: { name: 'D' } })
      expect((await tx.country.findUnique({ where: { code: 'DE' } }))?.name).toBe('D')
    })
    await prisma.$transaction([prisma.country.findMany(), prisma.country.count()])
    await prisma.$queryRaw`SELECT 1`
    await sluice.onPrimary(() => prisma.country.findMany())
    expect(stats().replicaReads).toBe(before)
    expect(stats().primaryReasons).toMatchObject({ transaction: 4, forced: 1 })
  })

  it('throws the same errors as the primary', async () => {
    const { prisma, stats } = await openUsed()
    const before = stats().primaryReasons.failed
    await expect(prisma.country.findUniqueOrThrow({ where: { code: 'XX' } })).rejects.toMatchObject({
      code: 'P2025',
    })
    expect(stats().primaryReasons.failed).toBe(before + 1)
    expect(stats().replicas[0]).toMatchObject({ isUp: true })
  })

  it('returns the same relations and selections as without replicas', async () => {
    const { prisma, stats } = await openUsed()
    const ask = () =>
      prisma.country.findMany({ where: { code: 'FR' }, include: { authors: true }, orderBy: { code: 'asc' } })
    const before = stats().replicaReads
    expect(await ask()).toMatchObject([{ code: 'FR', authors: [] }])
    expect(stats().replicaReads).toBe(before + 1)
  })

  it('uses no replica for a client with computed fields', async () => {
    const computed = (client: object) =>
      (client as TestPrismaClient).$extends({
        result: { country: { title: { needs: { name: true }, compute: ({ name }) => `The ${name}` } } },
      })
    const { prisma, sluice } = await open({}, {}, computed)
    expect(await prisma.country.findMany()).toMatchObject(Array(4).fill({ title: expect.any(String) }))
    expect(sluice.replicas.getStats()).toEqual([])
  })
}

import { createSluice, type ReplicaOptions, type Sluice } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { withSluice as withKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice as withPrisma } from '@sluice/prisma'
import knex from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { createAdapter, prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'
import { type ReplicaPairKind, replicaPairs } from '../support/replica-pairs.ts'
import { tcpSwitch } from '../support/tcp-switch.ts'

/** A client of a primary, with a replica in the local region and one overseas. */
interface Opened {
  readonly sluice: Sluice
  write(name: string): Promise<unknown>
  read(): Promise<string | undefined>
}

type Open = (
  urls: { readonly primary: string; readonly local: string; readonly overseas: string },
  options: ReplicaOptions,
  closing: (() => Promise<unknown>)[],
) => Promise<Opened>

const CODE = 'FR'

const clients: Readonly<Record<string, (kind: ReplicaPairKind) => Open>> = {
  Knex: (kind) => async (urls, options, closing) => {
    const at = (connection: string) => {
      const instance = knex({ client: kind.client, connection, pool: { min: 0, max: 8 } })
      closing.push(() => instance.destroy())
      return instance
    }
    const sluice = createSluice({ mode: 'optimize', cache: false })
    const db = withKnex(at(urls.primary), sluice, {
      ...options,
      replicas: [
        { client: at(urls.overseas), region: 'us-east' },
        { client: at(urls.local), region: 'eu-west' },
      ],
    })
    closing.push(() => sluice.close())
    return {
      sluice,
      write: (name) => db('countries').where({ code: CODE }).update({ name }),
      read: async () =>
        ((await db('countries').where({ code: CODE }).first()) as { name: string } | undefined)?.name,
    }
  },
  Prisma: (kind) => async (urls, options, closing) => {
    const { PrismaClient, schema } = await prismaClient(kind.dialect, { url: urls.primary } as never)
    const sluice = createSluice({ mode: 'optimize', cache: false })
    const adapterAt = (url: string) => createAdapter(kind.dialect, { url } as never)
    const at = (url: string) => {
      const client = new PrismaClient({ adapter: adapterAt(url) })
      closing.push(() => client.$disconnect())
      return client
    }
    const own = new PrismaClient({ adapter: sluiceAdapter(adapterAt(urls.primary), sluice) })
    const replicas = [
      { client: at(urls.overseas), region: 'us-east' },
      { client: at(urls.local), region: 'eu-west' },
    ]
    const prisma = own.$extends(
      withPrisma(sluice, { schema, ...options, replicas }),
    ) as unknown as TestPrismaClient
    closing.push(
      () => own.$disconnect(),
      () => sluice.close(),
    )
    return {
      sluice,
      write: (name) => prisma.country.update({ where: { code: CODE }, data: { name } }),
      read: async () => (await prisma.country.findUnique({ where: { code: CODE } }))?.name,
    }
  },
}

for (const kind of replicaPairs()) {
  describe.skipIf(kind.skipped !== undefined)(`replicas of ${kind.name} in several regions`, () => {
    let pair: ReplicaPair
    let local: PairReplica
    let overseas: PairReplica
    const closing: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      pair = await kind.start(2)
      ;[local, overseas] = pair.replicas as [PairReplica, PairReplica]
      const { ddl } = await prismaClient(kind.dialect, { url: pair.primary } as never)
      for (const statement of ddl.split(/;\n/).filter((text) => text.trim() !== ''))
        await kind.on(pair.primary, statement)
      await kind.on(pair.primary, `INSERT INTO countries (code, name) VALUES ('${CODE}', 'France')`)
      for (const replica of pair.replicas) await kind.caughtUp(pair, replica)
    }, TEST_MS)

    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })

    afterAll(() => pair?.stop())

    for (const [orm, openWith] of Object.entries(clients)) {
      /** Settles when both replicas have replayed earlier writes, and reported their positions. */
      async function open(options: ReplicaOptions = {}, localUrl = local.url) {
        const urls = { primary: pair.primary, local: localUrl, overseas: overseas.url }
        for (const replica of pair.replicas) await kind.caughtUp(pair, replica)
        const region = { local: 'eu-west', rttMs: { 'eu-north': 30, 'us-east': 80 } }
        const opened = await openWith(kind)(
          urls,
          { balancer: { region }, maxLagMs: 60_000, ...options },
          closing,
        )
        const stats = () => opened.sluice.replicas.getStats()[0] as ReplicaRoutingStats
        await expect
          .poll(async () => {
            await opened.read()
            return stats().replicas.every(({ isUp, lagMs }) => isUp && Number.isFinite(lagMs))
          }, SOON)
          .toBe(true)
        /** Reads on the local replica, overseas and on the primary during a function. */
        const during = async (run: () => Promise<unknown>): Promise<readonly [number, number, number]> => {
          const before = stats()
          await run()
          const [there, here] = stats().replicas.map(
            ({ reads }, at) => reads - (before.replicas[at]?.reads ?? 0),
          )
          return [here ?? 0, there ?? 0, stats().primaryReads - before.primaryReads]
        }
        return { ...opened, stats, during }
      }
      const times = async (count: number, run: () => Promise<unknown>) => {
        for (let at = 0; at < count; at += 1) await run()
      }

      it(`${orm} reads from the nearest replica that has replayed the reader's writes`, {
        timeout: TEST_MS,
      }, async () => {
        const { sluice, write, read, during } = await open()
        expect(await during(() => sluice.run(() => times(20, read)))).toEqual([20, 0, 0])
        await local.pauseReplay()
        try {
          await sluice.run(async () => {
            const name = `${orm} after`
            await write(name)
            let stale = 0
            const readOwn = async () => {
              if ((await read()) !== name) stale += 1
            }
            await expect.poll(async () => (await during(readOwn))[1], SOON).toBe(1)
            const [here] = await during(() => times(20, readOwn))
            expect({ here, stale }).toEqual({ here: 0, stale: 0 })
          })
          // Other scopes do not require this write.
          expect((await during(() => sluice.run(() => times(20, read))))[0]).toBe(20)
        } finally {
          await local.resumeReplay()
        }
      })

      it(`${orm} reads from a primary that is nearer than the next replica`, {
        timeout: TEST_MS,
      }, async () => {
        const { sluice, write, read, during } = await open({ primaryRegion: 'eu-north' })
        expect(await during(() => sluice.run(() => times(20, read)))).toEqual([20, 0, 0])
        await local.pauseReplay()
        try {
          await sluice.run(async () => {
            await write(`${orm} near`)
            await kind.caughtUp(pair, overseas)
            const [here, there] = await during(() => times(50, read))
            expect([here, there]).toEqual([0, 0])
          })
        } finally {
          await local.resumeReplay()
        }
      })

      it(`${orm} loses no read when the local replica is cut off`, { timeout: TEST_MS }, async () => {
        const road = await tcpSwitch(local.url)
        const { read, during } = await open({}, road.url(local.url))
        const [here, there] = await during(async () => {
          const reads = Array.from({ length: 4 }, () => times(100, read))
          await read()
          await road.close()
          await Promise.all(reads)
          await times(100, read)
        })
        expect(here).toBeGreaterThan(0)
        expect(there).toBeGreaterThan(100)
      })
    }
  })
}

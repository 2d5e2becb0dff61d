import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice as withPrisma } from '@sluice/prisma'
import knex from 'knex'
import type { PairReplica, ReplicaPair } from '../../services/replica-server.ts'
import { createAdapter, prismaClient, type TestPrismaClient } from '../../support/prisma-clients.ts'
import { type ReplicaPairKind, replicaPairs } from '../../support/replica-pairs.ts'
import type { BenchFigure } from '../database/report.ts'

/** Number of concurrent visitors that write and read. */
const WRITERS = 16
/** Pause between the two reads after a write: replicas mostly have it by then. */
const PAUSE_MS = 25

/** One way to write a row's value and to read it, with a replica. */
interface Store {
  readonly sluice: Sluice
  write(id: number, value: number): Promise<unknown>
  read(id: number): Promise<number | undefined>
  close(): Promise<void>
}

type Open = (kind: ReplicaPairKind, pair: ReplicaPair, replica: PairReplica) => Promise<Store>

const adapters: Readonly<Record<string, Open>> = { Knex: openKnex, Prisma: openPrisma }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Reads after writes: how many of them miss a write, and how many the replica serves, while replay runs and
 * while it is paused.
 */
export async function replicaFigures(tries: number): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = []
  for (const kind of replicaPairs()) {
    if (kind.skipped !== undefined) continue
    const pair = await kind.start()
    try {
      await createTables(kind, pair)
      for (const [adapter, open] of Object.entries(adapters))
        figures.push(...(await figuresOf(kind, pair, adapter, open, tries)))
    } finally {
      await pair.stop()
    }
  }
  return figures
}

async function figuresOf(
  kind: ReplicaPairKind,
  pair: ReplicaPair,
  adapter: string,
  open: Open,
  tries: number,
): Promise<BenchFigure[]> {
  const [replica] = pair.replicas as [PairReplica]
  const store = await open(kind, pair, replica)
  const figures: BenchFigure[] = []
  try {
    await warmUp(store)
    for (const replay of ['running', 'paused']) {
      if (replay === 'paused') await replica.pauseReplay()
      const { stale, share } = await writeAndRead(store, tries)
      const name = `${kind.name}, ${adapter}, replay ${replay}`
      figures.push({
        id: `${name}: stale of ${2 * tries} reads after ${tries} writes`,
        value: stale,
        unit: 'reads',
        target: 0,
      })
      figures.push({ id: `${name}: served by the replica`, value: share * 100, unit: '%' })
    }
  } finally {
    await replica.resumeReplay()
    await store.close()
  }
  await kind.caughtUp(pair, replica)
  return figures
}

async function writeAndRead(
  { sluice, write, read }: Store,
  tries: number,
): Promise<{ readonly stale: number; readonly share: number }> {
  const replicaReads = () => sluice.replicas.getStats()[0]?.replicaReads ?? 0
  const before = replicaReads()
  let [done, stale] = [0, 0]
  const writer = async (_: unknown, id: number) => {
    while (done < tries) {
      done += 1
      const value = done
      await sluice.run(async () => {
        await write(id, value)
        if ((await read(id)) !== value) stale += 1
        await sleep(PAUSE_MS)
        if ((await read(id)) !== value) stale += 1
      })
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return { stale, share: (replicaReads() - before) / (2 * tries) }
}

async function warmUp({ sluice, read }: Store): Promise<void> {
  for (let reads = 0; sluice.replicas.getStats()[0]?.replicaReads === 0; reads += 1) {
    if (reads > 1_000) throw new Error('Nothing is read from the replica.')
    await sluice.run(() => read(0))
    await sleep(10)
  }
}

async function createTables(kind: ReplicaPairKind, pair: ReplicaPair): Promise<void> {
  const { ddl } = await prismaClient(kind.dialect, { url: pair.primary } as never)
  for (const statement of ddl.split(/;\n/).filter((text) => text.trim() !== ''))
    await kind.on(pair.primary, statement)
  await kind.on(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
  const ids = Array.from({ length: WRITERS }, (_, id) => id)
  await kind.on(pair.primary, `INSERT INTO counters VALUES ${ids.map((id) => `(${id}, 0)`)}`)
  await kind.on(
    pair.primary,
    `INSERT INTO countries (code, name) VALUES ${ids.map((id) => `('${id}', '0')`)}`,
  )
  for (const replica of pair.replicas) await kind.caughtUp(pair, replica)
}

// Cached results would reach no database. Any lag is allowed, so that only the writes decide.
const withoutCache = { mode: 'optimize', cache: false } as const
const anyLag = { maxLagMs: 3_600_000 }

async function openKnex(
  { client }: ReplicaPairKind,
  pair: ReplicaPair,
  replica: PairReplica,
): Promise<Store> {
  const sluice = createSluice(withoutCache)
  const pool = { min: 0, max: 8 }
  const other = knex({ client, connection: replica.url, pool })
  const db = withKnex(knex({ client, connection: pair.primary, pool }), sluice, {
    replicas: [other],
    ...anyLag,
  })
  return {
    sluice,
    write: (id, value) => db('counters').where({ id }).update({ value }),
    read: async (id) => (await db('counters').where({ id }).first())?.value,
    async close() {
      await sluice.close()
      await Promise.all([db.destroy(), other.destroy()])
    },
  }
}

async function openPrisma(
  { dialect }: ReplicaPairKind,
  pair: ReplicaPair,
  replica: PairReplica,
): Promise<Store> {
  const sluice = createSluice(withoutCache)
  const adapterAt = (url: string) => createAdapter(dialect, { url } as never)
  const { PrismaClient, schema } = await prismaClient(dialect, { url: pair.primary } as never)
  const other = new PrismaClient({ adapter: adapterAt(replica.url) })
  const own = new PrismaClient({ adapter: sluiceAdapter(adapterAt(pair.primary), sluice) })
  const prisma = own.$extends(
    withPrisma(sluice, { schema, replicas: [other], ...anyLag }),
  ) as unknown as TestPrismaClient
  return {
    sluice,
    write: (id, value) =>
      prisma.country.update({ where: { code: String(id) }, data: { name: String(value) } }),
    read: async (id) => Number((await prisma.country.findUnique({ where: { code: String(id) } }))?.name),
    async close() {
      await sluice.close()
      await Promise.all([own.$disconnect(), other.$disconnect()])
    },
  }
}

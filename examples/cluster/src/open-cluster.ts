import { openClients } from '@sluice/example-atlas/clients'
import { loadData } from '@sluice/example-atlas/load'
import type { Progress } from '@sluice/example-atlas/progress'
import { type PlannedRequest, planVisits } from '@sluice/example-atlas/requests'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'
import type { ProbeOptions } from '@sluice/http/proxy'
import { AppNode, type ReadCounts } from './app-node.ts'
import { freePort } from './free-port.ts'
import { type Front, openFront } from './front.ts'
import { OwnProcesses } from './own-processes.ts'
import { findPostgres } from './postgres/find-postgres.ts'
import { type PostgresPair, query, startPostgresPair } from './postgres/postgres-pair.ts'

const NODES = ['node-1', 'node-2', 'node-3'] as const
const SEED = 7
/** Atlas omits them deliberately; this example is not about slow queries. */
const INDEXES = [
  'cities (region_id, name)',
  'cities (name text_pattern_ops)',
  'regions (country_code)',
  'reviews (city_id)',
  'reviews (user_id)',
]

export interface Cluster {
  readonly databases: PostgresPair
  readonly nodes: readonly [AppNode, AppNode, AppNode]
  readonly front: Front
  /** Gives the requests of another visit. */
  readonly nextVisit: () => readonly PlannedRequest[]
  close(): Promise<void>
}

export interface ClusterPlan {
  /** Port of the proxy; `0`: any free one. */
  readonly port: number
  /**
   * The folder of PostgreSQL's programs.
   *
   * @defaultValue looked for
   */
  readonly postgres?: string | undefined
  readonly progress: Progress
  readonly probe?: Partial<ProbeOptions>
  /**
   * How far the replica may be behind.
   *
   * @defaultValue 1000
   */
  readonly maxLagMs?: number
  /**
   * What Node is started with in the processes.
   *
   * @defaultValue as this process was
   */
  readonly execArgv?: readonly string[]
  /** Told of reads as nodes make them. */
  readonly onReads: (reads: ReadCounts) => void
}

/**
 * Starts the databases, the nodes, and the proxy before them.
 *
 * @throws NoPostgresError where there is none to start; what starting fails with. Nothing is left behind
 *   then.
 */
export async function openCluster({
  port,
  postgres,
  progress,
  probe,
  maxLagMs = 1_000,
  execArgv = process.execArgv,
  onReads,
}: ClusterPlan): Promise<Cluster> {
  const binaries = findPostgres(postgres)
  const own = new OwnProcesses()
  const closing: (() => Promise<void>)[] = [() => own.close()]
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  try {
    const databases = await timed(progress, 'PostgreSQL and its replica', () =>
      startPostgresPair(own, binaries),
    )
    const { primaryUrl, replicaUrl } = databases
    const nextVisit = await load(primaryUrl, progress)
    const made = await Promise.all(
      NODES.map(async (name) => {
        const plan = { name, port: await freePort(), primaryUrl, replicaUrl, maxLagMs }
        return new AppNode({ own, plan, execArgv, onReads })
      }),
    )
    const nodes = made as unknown as Cluster['nodes']
    closing.push(async () => void (await Promise.all(nodes.map((node) => node.close()))))
    await timed(progress, 'Three nodes', () => Promise.all(nodes.map((node) => node.start())))
    const front = await openFront(
      nodes.map(({ id }) => id),
      port,
      probe,
    )
    closing.push(() => front.close())
    return { databases, nodes, front, nextVisit, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function load(url: string, progress: Progress): Promise<Cluster['nextVisit']> {
  const target = { kind: 'postgresql', url } as const
  await loadData(target, progress)
  for (const index of INDEXES) await query(url, `CREATE INDEX ON ${index}`)
  const clients = openClients(target, new StatementCounter())
  try {
    return await planVisits(clients.db, SEED)
  } finally {
    await clients.close()
  }
}

async function timed<T>(progress: Progress, what: string, run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  progress.start(`Starting: ${what}`, 1)
  const result = await run()
  progress.finish(`${what} started in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
  return result
}

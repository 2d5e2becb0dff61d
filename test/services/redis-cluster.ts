import { freePort } from './free-port.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

const MASTERS = 3
const SLOTS = 16_384
const NODE_TIMEOUT_MS = 800

/** A Redis Cluster for one test: three masters with equal numbers of slots, and a replica of the first. */
export interface RedisCluster {
  readonly masters: readonly RedisServer[]
  readonly replica: RedisServer
  /** The node that clients connect to first. */
  readonly startupNodes: readonly { readonly host: string; readonly port: number }[]
  /** Waits until the replica has become the master of the first slots. */
  untilPromoted(): Promise<void>
  stop(): Promise<void>
}

/** @throws ServiceUnavailableError if this machine has no `redis-server`. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes: RedisServer[] = []
  const busPorts = await Promise.all(Array.from({ length: MASTERS + 1 }, freePort))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  try {
    for (let at = 0; at <= MASTERS; at += 1) {
      const settings = {
        'cluster-enabled': 'yes',
        'cluster-port': String(busPorts[at]),
        'cluster-node-timeout': String(NODE_TIMEOUT_MS),
        'cluster-replica-validity-factor': '0',
        'repl-diskless-sync-delay': '0',
      }
      nodes.push(await startRedisServer(settings))
    }
    const [first, ...others] = nodes
    const replica = nodes[MASTERS]
    if (first === undefined || replica === undefined) throw new Error('There are no nodes.')
    const masters = nodes.slice(0, MASTERS)
    for (const [at, node] of masters.entries()) {
      await node.run('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
      await node.run(
        'CLUSTER',
        'ADDSLOTSRANGE',
        Math.ceil((at * SLOTS) / MASTERS),
        Math.ceil(((at + 1) * SLOTS) / MASTERS) - 1,
      )
    }
    for (const node of others) await node.run('CLUSTER', 'MEET', '127.0.0.1', first.port, Number(busPorts[0]))
    const id = String(await first.run('CLUSTER', 'MYID'))
    await poll(
      async () =>
        (await every(nodes, 'INFO', /cluster_known_nodes:4/)) &&
        (await every(nodes, 'INFO', /cluster_state:ok/)),
    )
    await replica.run('CLUSTER', 'REPLICATE', id)
    await poll(async () => /master_link_status:up/.test(String(await replica.run('INFO', 'replication'))))
    await poll(async () =>
      (await Promise.all(masters.map((node) => node.run('CLUSTER', 'NODES')))).every((text) =>
        /slave/.test(String(text)),
      ),
    )
    return {
      masters,
      replica,
      startupNodes: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      untilPromoted: () =>
        poll(async () => /role:master/.test(String(await replica.run('INFO', 'replication')))),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function every(nodes: readonly RedisServer[], what: string, pattern: RegExp): Promise<boolean> {
  const answers = await Promise.all(nodes.map((node) => node.run('CLUSTER', what)))
  return answers.every((answer) => pattern.test(String(answer)))
}

/** Repeats the check for up to 15 s. */
async function poll(isSo: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 15_000
  while (!(await isSo())) {
    if (performance.now() > until) throw new Error('The Cluster did not get ready in 15 s.')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

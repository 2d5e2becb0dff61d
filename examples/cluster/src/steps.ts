import type { AppNode } from './app-node.ts'
import type { Cluster } from './open-cluster.ts'
import type { Tally } from './tally.ts'

const DRAIN_MS = 10_000
const USED_WITHIN_MS = 60_000
const LOOK_EVERY_MS = 5

/** Something that is done to the cluster while visitors are about. */
export interface Step {
  readonly name: string
  /** Whether requests that are not idempotent can be lost with the node. */
  readonly mayLoseWrites?: boolean
  readonly disturb?: (cluster: Cluster) => void | Promise<void>
  readonly repair?: (cluster: Cluster) => void | Promise<void>
  /** Whether the disturbed server was used again since a time. Omit it if none was disturbed. */
  readonly isUsed?: (cluster: Cluster, tally: Tally, since: number) => boolean
}

export const STEPS: readonly Step[] = [
  { name: 'normal load' },
  {
    name: 'node-1 killed',
    mayLoseWrites: true,
    disturb: ({ nodes: [node] }) => node.kill(),
    repair: ({ nodes: [node] }) => node.start(),
    isUsed: ({ nodes: [node] }, tally, since) => answers(node, tally, since),
  },
  {
    name: 'node-2 hangs',
    mayLoseWrites: true,
    disturb: ({ nodes: [, node] }) => node.hang(),
    repair: ({ nodes: [, node] }) => node.resume(),
    isUsed: ({ nodes: [, node] }, tally, since) => answers(node, tally, since),
  },
  {
    name: 'node-3 drained',
    disturb: async ({ nodes: [, , node], front }) =>
      void (await front.balancer.removeNode(node.id, { drainMs: DRAIN_MS })),
    repair: ({ nodes: [, , node], front }) => void front.balancer.registerNode('127.0.0.1', node.port),
    isUsed: ({ nodes: [, , node] }, tally, since) => answers(node, tally, since),
  },
  {
    name: 'replay paused',
    disturb: ({ databases }) => databases.pauseReplay(),
    repair: ({ databases }) => databases.resumeReplay(),
    isUsed: ({ nodes }, _, since) => nodes.some(({ onReplicaAt }) => onReplicaAt >= since),
  },
  {
    name: 'replica killed',
    disturb: ({ databases }) => databases.killReplica(),
    repair: ({ databases }) => databases.restartReplica(),
    isUsed: ({ nodes }, _, since) => nodes.some(({ onReplicaAt }) => onReplicaAt >= since),
  },
]

function answers({ name }: AppNode, { answers: all }: Tally, since: number): boolean {
  return all.some(({ node, sentAt }) => node === name && sentAt >= since)
}

/**
 * @returns Milliseconds from when what was disturbed was there again to when it was used again.
 * @throws Error when it is not used for a minute.
 */
export async function untilUsed(
  { name, isUsed }: Step,
  cluster: Cluster,
  tally: Tally,
): Promise<number | undefined> {
  if (isUsed === undefined) return undefined
  const since = performance.now()
  while (!isUsed(cluster, tally, since)) {
    if (performance.now() - since > USED_WITHIN_MS)
      throw new Error(`${name}: it was not used again within ${USED_WITHIN_MS / 1_000} s.`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return performance.now() - since
}

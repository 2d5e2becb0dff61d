import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { RegionStats } from '../balancing/regions/region-picker.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { ProcessingStats } from '../jobs/queue-health.ts'
import {
  counterOf,
  gauge,
  type Labels,
  type MetricFamily,
  type NumberSample,
  quantileSample,
} from '../monitoring/feeds/metric-family.ts'

export function balancerFamilies(balancer: LoadBalancingEngine | undefined): readonly MetricFamily[] {
  if (balancer === undefined) return []
  const { nodes, regions } = balancer.getClusterStats()
  type Node = (typeof nodes)[number]
  const label = ({ id }: Node): Labels => ({ 'sluice.node.id': id })
  const of = (value: (node: Node) => number): readonly NumberSample[] =>
    nodes.map((node) => ({ labels: label(node), value: value(node) }))
  const isUp = ({ status, ejectedForMs, isDraining }: Node) =>
    status !== 'unhealthy' && status !== 'maintenance' && ejectedForMs === 0 && !isDraining
  return [
    counterOf(
      'sluice.balancer.picks',
      'Times that a node was picked',
      '{pick}',
      of(({ picks }) => picks),
    ),
    counterOf(
      'sluice.balancer.requests',
      'Requests that were sent to a node',
      '{request}',
      of(({ requests }) => requests),
    ),
    counterOf(
      'sluice.balancer.failures',
      'Requests that a node did not answer, or with 500 or more',
      '{request}',
      of(({ failures }) => failures),
    ),
    counterOf(
      'sluice.balancer.ejections',
      'Times that a node was ejected',
      '{ejection}',
      of(({ ejections }) => ejections),
    ),
    gauge(
      'sluice.balancer.connections',
      'Open connections to a node',
      '{connection}',
      of(({ activeConnections }) => activeConnections),
    ),
    gauge(
      'sluice.balancer.node.up',
      'Whether a node may be picked: 1 or 0',
      '',
      of((node) => Number(isUp(node))),
    ),
    {
      name: 'sluice.balancer.response.time',
      help: 'Response times of the last 1 to 2 minutes',
      unit: 's',
      type: 'summary',
      samples: nodes.map((node) => quantileSample(label(node), node)),
    },
    ...regionFamilies(regions),
  ]
}

function regionFamilies(regions: readonly RegionStats[]): readonly MetricFamily[] {
  const of = (value: (region: RegionStats) => number): readonly NumberSample[] =>
    regions.map((region) => ({ labels: { 'sluice.region': region.name }, value: value(region) }))
  return [
    counterOf(
      'sluice.balancer.region.requests',
      'Requests that were sent to the nodes of a region',
      '{request}',
      of(({ requests }) => requests),
    ),
    gauge(
      'sluice.balancer.region.connections',
      'Open connections to the nodes of a region',
      '{connection}',
      of(({ activeConnections }) => activeConnections),
    ),
    gauge(
      'sluice.balancer.region.limit',
      'Open connections from which requests go to another region',
      '{connection}',
      of(({ limit }) => limit),
    ),
    gauge(
      'sluice.balancer.region.response.time',
      'Moving average of the response times of a region',
      's',
      of(({ responseTime }) => responseTime / 1_000),
    ),
  ]
}

export async function jobFamilies(
  jobs: AsyncBatchProcessingEngine | undefined,
): Promise<readonly MetricFamily[]> {
  // An unused backend must not be opened here: that may create tables.
  if (jobs?.isOpen !== true) return []
  const queues = jobs.getQueues()
  const all = await Promise.all(queues.map(({ name }) => jobs.getProcessingStats(name)))
  const label = ({ queue }: ProcessingStats): Labels => ({ 'sluice.queue.name': queue })
  const by = (
    name: string,
    values: (stats: ProcessingStats) => Readonly<Record<string, number>>,
  ): readonly NumberSample[] =>
    all.flatMap((stats) =>
      Object.entries(values(stats)).map(([key, value]) => ({
        labels: { ...label(stats), [name]: key },
        value,
      })),
    )
  const of = (value: (stats: ProcessingStats) => number): readonly NumberSample[] =>
    all.map((stats) => ({ labels: label(stats), value: value(stats) }))
  const tasks = by('sluice.task.state', ({ pending, queued, processing, retry, deadLetters }) => ({
    pending,
    queued,
    processing,
    retry,
    dead: deadLetters,
  }))
  const ended = by('sluice.task.outcome', ({ completed, retried, failed, cancelled, lost }) => ({
    completed,
    retried,
    failed,
    cancelled,
    lost,
  }))
  return [
    gauge('sluice.jobs.tasks', 'Stored tasks, by state; dead tasks are dead letters', '{task}', tasks),
    counterOf('sluice.jobs.attempts', 'Finished attempts of this process, by outcome', '{attempt}', ended),
    gauge(
      'sluice.jobs.throughput',
      'Finished attempts of this process, in the last minute',
      '{attempt}/s',
      of((stats) => stats.throughputPerSecond),
    ),
    gauge(
      'sluice.jobs.oldest_task.age',
      'Wait time of the oldest task that could run',
      's',
      of(({ oldestTaskMs }) => oldestTaskMs / 1_000),
    ),
    {
      name: 'sluice.jobs.wait.time',
      help: 'Time from the creation of a task until it ran, over the last 1 to 2 minutes',
      unit: 's',
      type: 'summary',
      samples: all.map((stats) => quantileSample(label(stats), stats.waitMs)),
    },
    {
      name: 'sluice.jobs.run.time',
      help: 'Duration of attempts, over the last 1 to 2 minutes',
      unit: 's',
      type: 'summary',
      samples: all.map((stats) => quantileSample(label(stats), stats.runMs)),
    },
  ]
}

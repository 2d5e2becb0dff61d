import type { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { PoolMonitor } from '../database/pool-monitor.ts'
import type { WorkloadLog } from '../database/workload/workload-log.ts'
import type { WorkloadRecord } from '../database/workload/workload-record.ts'
import type { WorkloadRecorder } from '../database/workload-recorder.ts'
import {
  counterOf,
  durationSample,
  gauge,
  type Labels,
  type MetricFamily,
  type NumberSample,
  OVERFLOW_LABELS,
} from '../monitoring/feeds/metric-family.ts'

/** Statements by shape, and pools of connections. */
export function databaseFamilies({ log, pools }: WorkloadRecorder): readonly MetricFamily[] {
  return [...(log === undefined ? [] : queryFamilies(log)), ...poolFamilies(pools)]
}

function queryFamilies({ counters }: WorkloadLog): readonly MetricFamily[] {
  const { shapes, others } = counters
  const all = [
    ...shapes.map((shape) => ({ labels: shapeLabels(shape), of: shape })),
    { labels: OVERFLOW_LABELS, of: others },
  ]
  const seen = all.filter(({ of }) => of.times.count > 0)
  const sum = (value: (of: (typeof seen)[number]['of']) => number): readonly NumberSample[] =>
    seen.map(({ labels, of }) => ({ labels, value: value(of) }))
  return [
    {
      name: 'db.client.operation.duration',
      help: 'Duration of database statements, by normalized query',
      unit: 's',
      type: 'histogram',
      samples: seen.map(({ labels, of }) => durationSample(labels, of.times)),
    },
    {
      name: 'sluice.query.returned_rows',
      help: 'Rows returned by statements, by normalized query',
      unit: '{row}',
      type: 'counter',
      samples: sum(({ rows }) => rows),
    },
    {
      name: 'sluice.query.errors',
      help: 'Failed statements, by normalized query',
      unit: '{statement}',
      type: 'counter',
      samples: sum(({ errors }) => errors),
    },
  ]
}

/**
 * The SQL is not a label: the fingerprint identifies a normalized query, and finds its SQL in
 * `sluice.database.getWorkload()`.
 */
function shapeLabels({
  dialect,
  fingerprint,
  summary: { operation, table, summary },
}: Readonly<WorkloadRecord>): Labels {
  return {
    'db.system.name': dialect,
    ...(operation === '' ? {} : { 'db.operation.name': operation }),
    ...(table === '' ? {} : { 'db.collection.name': table }),
    ...(summary === '' ? {} : { 'db.query.summary': summary }),
    'sluice.query.fingerprint': fingerprint,
  }
}

function poolFamilies(monitor: PoolMonitor): readonly MetricFamily[] {
  const pools = monitor.pools()
  const label = (name: string): Labels => ({ 'db.client.connection.pool.name': name })
  const state = (name: string, value: string): Labels => ({
    ...label(name),
    'db.client.connection.state': value,
  })
  return [
    gauge(
      'db.client.connection.count',
      'Connections of a pool',
      '{connection}',
      pools.flatMap(({ name, now }) => [
        { labels: state(name, 'used'), value: now.used },
        { labels: state(name, 'idle'), value: now.idle },
      ]),
    ),
    gauge(
      'db.client.connection.max',
      'Maximum number of connections of a pool',
      '{connection}',
      pools.map(({ name, now }) => ({ labels: label(name), value: now.max })),
    ),
    gauge(
      'db.client.connection.pending_requests',
      'Callers that wait for a connection',
      '{request}',
      pools.map(({ name, now }) => ({ labels: label(name), value: now.waiting })),
    ),
    {
      name: 'db.client.connection.wait_time',
      help: 'Time until a caller received a connection',
      unit: 's',
      type: 'histogram',
      samples: pools
        .filter(({ waits }) => waits.count > 0)
        .map(({ name, waits }) => durationSample(label(name), waits)),
    },
  ]
}

export function replicaFamilies(routers: ReplicaRouters): readonly MetricFamily[] {
  const all = routers.getStats()
  const samples = all.flatMap(({ source, replicas, primaryReasons }) => [
    ...replicas.map(({ id, reads }) => ({
      labels: { 'sluice.source': source, 'sluice.node.id': id },
      value: reads,
    })),
    ...Object.entries(primaryReasons).map(([reason, value]) => ({
      labels: { 'sluice.source': source, 'sluice.node.id': 'primary', 'sluice.reason': reason },
      value,
    })),
  ])
  const lags = all.flatMap(({ source, replicas }) =>
    replicas.map(({ id, lagMs }) => ({
      labels: { 'sluice.source': source, 'sluice.node.id': id },
      value: lagMs / 1_000,
    })),
  )
  return [
    counterOf(
      'sluice.replicas.reads',
      'Reads by destination; for the primary, also by reason',
      '{read}',
      samples,
    ),
    gauge('sluice.replicas.lag', 'Replication lag of a replica', 's', lags),
  ]
}

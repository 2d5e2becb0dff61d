import type { NodesPage as NodesAnswer, ProcessRow, ReplicaGroup } from '../../../src/protocol/index.ts'
import { amount, count, duration, percent, plural, span, withUnit } from '../format.ts'
import { live, now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton } from '../parts/buttons.tsx'
import { Figures, StateWord, type Tone } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { param, setParams } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'

type Balancer = NonNullable<NodesAnswer['balancer']>
type Node = Balancer['nodes'][number]
type Region = Balancer['regions'][number]
type Tier = Region['zones'][number]

/** Page: which nodes carry the load? */
export function NodesPage() {
  const loaded = useSection<NodesAnswer | null>('nodes', 'nodes')
  const one =
    (live.value?.processes.length ?? 1) > 1 ? null : (
      <Empty title="No nodes or replicas">
        <p>
          Add nodes with sluice.balancer.addNode, or configure replicas in the options of your ORM adapter.
        </p>
      </Empty>
    )
  return (
    <>
      <Processes />
      <SectionView section={loaded} off={one}>
        {(data) =>
          (data.balancer === null || data.balancer.nodes.length === 0) && data.replicas.length === 0 ? (
            one
          ) : (
            <Nodes data={data} again={loaded.again} />
          )
        }
      </SectionView>
    </>
  )
}

function stateOf({ status, ejectedForMs, isDraining }: Node): { tone: Tone; word: string } {
  if (isDraining) return { tone: 'warn', word: 'draining' }
  if (ejectedForMs > 0) return { tone: 'bad', word: `ejected for ${span(ejectedForMs / 1000)}` }
  if (status === 'healthy') return { tone: 'good', word: 'healthy' }
  if (status === 'degraded') return { tone: 'warn', word: 'degraded' }
  return status === 'maintenance'
    ? { tone: 'muted', word: 'maintenance' }
    : { tone: 'bad', word: 'unhealthy' }
}

const nodeColumns: readonly Column<Node>[] = [
  { id: 'id', title: 'Node', cell: ({ id }) => <span class="cut">{id}</span> },
  { id: 'state', title: 'State', cell: (node) => <StateWord {...stateOf(node)} /> },
  { id: 'load', title: 'Load', cell: (node) => <LoadStrip node={node} /> },
  numberColumn<Node>('share', 'Share', { hint: 'Percentage of all selections', rank: 2, show: percent }),
  numberColumn<Node>('p95', 'p95', {
    rank: 2,
    show: (p95, { requests }) => (requests === 0 ? '–' : duration(p95)),
  }),
  numberColumn<Node>('errorRate', 'Errors', { rank: 3, show: percent }),
]

function LoadStrip({ node: { activeConnections, maxConnections } }: { node: Node }) {
  const share = maxConnections === 0 ? 0 : Math.min(1, activeConnections / maxConnections)
  return (
    <span class="load">
      <span class={`load-bar${share >= 0.9 ? ' load-full' : ''}`} aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span>{`${count(activeConnections)} of ${count(maxConnections)}`}</span>
    </span>
  )
}

function Nodes({
  data: { balancer, imbalanceRatio, replicas },
  again,
}: {
  data: NodesAnswer
  again: () => void
}) {
  const opened = param('open')
  return (
    <>
      {balancer !== null && balancer.nodes.length > 0 && (
        <section aria-label="Nodes">
          <Figures
            figures={[
              {
                label: 'Healthy',
                value: balancer.healthyNodes,
                note: `of ${count(balancer.totalNodes)}`,
              },
              {
                label: 'Load',
                value: percent(balancer.averageLoad),
                note: `of ${plural(balancer.totalCapacity, 'connection')}`,
              },
              {
                label: 'Requests',
                value: balancer.totalRequests,
                note: `${count(balancer.failedRequests)} failed`,
              },
              {
                label: 'Imbalance',
                value: imbalanceRatio === null ? '–' : `${amount(imbalanceRatio)}×`,
                note: 'highest to lowest',
              },
              { label: 'Strategy', value: <span class="figure-word">{balancer.strategy}</span> },
            ]}
          />
          {balancer.isPanic && (
            <p class="trouble bad">Too few healthy nodes are left, so ejected nodes receive requests.</p>
          )}
          <Regions regions={balancer.regions} />
          <DataTable
            label="Nodes"
            rows={balancer.nodes}
            idOf={({ id }) => id}
            columns={nodeColumns}
            opened={opened}
            onOpen={(open) => setParams({ open })}
            detail={(node) => <NodeDetail node={node} again={again} />}
          />
        </section>
      )}
      {replicas.map((group) => (
        <Replicas key={group.source} group={group} />
      ))}
    </>
  )
}

interface TierRow {
  readonly name: string
  readonly tier: Tier
  /** Its share of the requests of its list, 0 to 1. */
  readonly share: number
}

const tierColumns: readonly Column<TierRow>[] = [
  {
    id: 'region',
    title: 'Region',
    cell: ({ name, tier }) => <span class="cut">{tier.isLocal ? `${name} (local)` : name}</span>,
  },
  { id: 'state', title: 'State', cell: ({ tier }) => <StateWord {...stateOfTier(tier)} /> },
  {
    id: 'in-flight',
    title: 'In flight',
    hint: 'Requests in flight, and the limit above which requests go to another region',
    isNumber: true,
    cell: ({ tier }) => `${count(tier.activeConnections)} of ${count(tier.limit)}`,
  },
  numberColumn<TierRow>('share', 'Share', { rank: 2, show: percent }),
  {
    id: 'time',
    title: 'Response',
    hint: 'Moving average of response times',
    isNumber: true,
    rank: 2,
    cell: ({ tier }) => (tier.responseTime === 0 ? '–' : duration(tier.responseTime)),
  },
]

/** The regions and zones, nearest first; not rendered if they are not distinguished. */
function Regions({ regions }: { regions: readonly Region[] | undefined }) {
  // A process of an earlier version reports none.
  if (regions === undefined || regions.length === 0) return null
  const rows = regions.flatMap((region) => [
    ...tierRows([region], regions, ''),
    ...tierRows(region.zones, region.zones, `${region.name} / `),
  ])
  return <DataTable label="Regions" rows={rows} idOf={({ name }) => name} columns={tierColumns} />
}

function tierRows(shown: readonly Tier[], all: readonly Tier[], prefix: string): readonly TierRow[] {
  const requests = all.reduce((sum, tier) => sum + tier.requests, 0)
  return shown.map((tier) => ({
    name: `${prefix}${tier.name}`,
    tier,
    share: requests === 0 ? 0 : tier.requests / requests,
  }))
}

function stateOfTier({ healthShare, activeConnections, limit }: Tier): { tone: Tone; word: string } {
  if (healthShare === 0) return { tone: 'bad', word: 'down' }
  if (healthShare < 1) return { tone: 'warn', word: `${percent(healthShare)} of its share` }
  return activeConnections >= limit ? { tone: 'warn', word: 'full' } : { tone: 'good', word: 'up' }
}

function NodeDetail({ node, again }: { node: Node; again: () => void }) {
  const { id, isDraining, status, picks, requests, failures, p50, p95, p99, weight, ejections } = node
  const place = [node.region, node.zone].filter((name) => name !== undefined)
  const isTaken = isDraining || status === 'maintenance'
  const drain = async (draining: boolean): Promise<void> => {
    await act(
      draining ? 'drain-node' : 'undrain-node',
      { id },
      {
        done: () =>
          draining ? `${id} is draining. Requests in flight continue.` : `${id} receives requests again.`,
        undo: () => void drain(!draining),
      },
    )
    again()
  }
  return (
    <div class="detail-body">
      <Figures
        figures={[
          { label: 'Median', value: duration(p50) },
          { label: 'p95', value: duration(p95) },
          { label: 'p99', value: duration(p99) },
          { label: 'Selected', value: picks },
          { label: 'Failed', value: failures, note: `of ${count(requests)}` },
          { label: 'Weight', value: weight },
          { label: 'Ejected', value: plural(ejections, 'time') },
          ...(place.length === 0
            ? []
            : [{ label: 'Region', value: <span class="figure-word">{place.join(' / ')}</span> }]),
        ]}
      />
      <div class="buttons">
        <ActionButton
          label={isTaken ? 'Resume' : 'Drain'}
          describe={isTaken ? `Resume ${id}` : `Drain ${id}`}
          run={() => drain(!isTaken)}
        />
      </div>
    </div>
  )
}

function Replicas({
  group: { source, replicas, replicaReads, primaryReads, primaryReasons },
}: {
  group: ReplicaGroup
}) {
  const reasons = Object.entries(primaryReasons)
    .filter(([, times]) => times > 0)
    .sort(([, left], [, right]) => right - left)
  return (
    <section aria-label={`Replicas of ${source}`}>
      <h2>{`Replicas of ${source}`}</h2>
      <p class="muted">
        {`${plural(replicaReads, 'read')} sent to replicas, ${count(primaryReads)} to the primary`}
        {reasons.length === 0
          ? '.'
          : `: ${reasons.map(([reason, times]) => `${reason} ${count(times)}`).join(', ')}.`}
      </p>
      <ul class="rows rows-5">
        {replicas.map(({ id, region, isUp, reads, failures, lagMs }) => (
          <li key={id}>
            <span class="rows-name cut">{region === undefined ? id : `${id} (${region})`}</span>
            <StateWord tone={isUp ? 'good' : 'bad'} word={isUp ? 'up' : 'down'} />
            <span class="rows-value">{plural(reads, 'read')}</span>
            <span class="rows-value">{failures === 0 ? '' : `${count(failures)} failed`}</span>
            <span class="rows-value">
              {lagMs === null ? 'lag unknown or too high' : `lag ${duration(lagMs)}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

const processColumns: readonly Column<ProcessRow>[] = [
  {
    id: 'process',
    title: 'Process',
    cell: ({ index, pid, hostname }) => <span class="cut">{`${index}: ${hostname}, pid ${pid}`}</span>,
  },
  {
    id: 'state',
    title: 'State',
    cell: ({ id, isAnswering }) =>
      isAnswering ? (
        <StateWord tone="good" word={id === live.value?.process.id ? 'current' : 'responding'} />
      ) : (
        <StateWord tone="bad" word="not responding" />
      ),
  },
  numberColumn<ProcessRow>('requestsPerSecond', 'Requests', {
    rank: 2,
    show: (value) => withUnit(value, '/s'),
  }),
  numberColumn<ProcessRow>('cpu', 'CPU', { rank: 2, show: (value) => withUnit(value, '%') }),
  numberColumn<ProcessRow>('memory', 'Memory', { rank: 3, show: (value) => withUnit(value, '%') }),
  numberColumn<ProcessRow>('eventLoopDelay', 'Event loop', {
    hint: 'Event-loop delay',
    rank: 3,
    show: duration,
  }),
  numberColumn<ProcessRow>('startedAt', 'Uptime', {
    rank: 3,
    show: (at = 0) => span((now.value - at) / 1_000),
  }),
]

/** The connected processes; not rendered for a single process. */
function Processes() {
  const processes = live.value?.processes ?? []
  if (processes.length < 2) return null
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      <DataTable label="Processes" rows={processes} idOf={({ id }) => id} columns={processColumns} />
    </section>
  )
}

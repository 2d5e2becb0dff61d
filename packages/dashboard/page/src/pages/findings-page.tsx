import type {
  FindingItem,
  FindingsPage as FindingsAnswer,
  StatementAnomaly,
} from '../../../src/protocol/index.ts'
import { ago, codeTitles, count, duration, plural } from '../format.ts'
import { now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton, CopyButton } from '../parts/buttons.tsx'
import { Choices, FilterField } from '../parts/filters.tsx'
import { PlaceText, SeverityWord } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { hrefOf, param, setParams } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'
import { FindingBody } from './finding-body.tsx'

/** Page: what to fix first. */
export function FindingsPage() {
  const loaded = useSection<FindingsAnswer | null>('findings', 'findings')
  return (
    <SectionView
      section={loaded}
      off={<Empty title="Detection is disabled. To enable it: createSluice({ detection: {} })" />}
    >
      {(data) => <Findings data={data} />}
    </SectionView>
  )
}

const columns: readonly Column<FindingItem>[] = [
  {
    id: 'what',
    title: 'Finding',
    cell: ({ title, scope, routes, isMuted }) => (
      <span class="cut">
        <strong>{title}</strong>
        {` ${scope}`}
        {routes.length > 1 && <span class="tag">{routes.length} routes</span>}
        {isMuted && <span class="tag">muted</span>}
      </span>
    ),
  },
  {
    id: 'severity',
    title: 'Severity',
    rank: 2,
    cell: ({ severity }) => <SeverityWord severity={severity} />,
  },
  {
    id: 'where',
    title: 'Call site',
    rank: 2,
    cell: ({ callSite }) => (callSite === null ? null : <PlaceText place={callSite} />),
  },
  {
    id: 'queries',
    title: 'Queries',
    hint: 'Current and possible number in the worst request',
    isNumber: true,
    cell: ({ queries, queriesPossible }) => `${count(queries)} → ${count(queriesPossible)}`,
  },
  numberColumn<FindingItem>('occurrences', 'Requests', {
    hint: 'Requests with this finding',
    rank: 3,
    show: (occurrences) => `${count(occurrences)}×`,
  }),
  {
    id: 'saved',
    title: 'Savings',
    hint: 'Database time that a fix would save',
    isNumber: true,
    cell: ({ impact }) => `${duration(impact.savedMsPerMinute)}/min`,
  },
]

function Findings({ data: { findings, requests, anomalies } }: { data: FindingsAnswer }) {
  const [q, code, muted, opened] = [param('q'), param('code'), param('muted'), param('open')]
  const part = q.toLowerCase()
  const rows = findings.filter(
    (item) =>
      (muted === 'show' || !item.isMuted || item.key === opened) &&
      (code === 'all' || item.code === code) &&
      `${item.routes.map((route) => route.scope)} ${item.label} ${item.callSite?.text ?? ''}`
        .toLowerCase()
        .includes(part),
  )
  const mutedCount = findings.filter(({ isMuted }) => isMuted).length
  return (
    <>
      <div class="toolbar">
        <FilterField
          label="Filter by route, query or file"
          value={q}
          onInput={(value) => setParams({ q: value })}
        />
        <Choices
          label="Kind"
          value={code}
          options={{ all: 'All', ...codeTitles }}
          onChange={(value) => setParams({ code: value })}
        />
        {mutedCount > 0 && (
          <Choices
            label="Muted"
            value={muted}
            options={{ hide: 'Hide muted', show: `Show ${count(mutedCount)} muted` }}
            onChange={(value) => setParams({ muted: value })}
          />
        )}
      </div>
      {rows.length === 0 ? (
        findings.length > mutedCount ? (
          <Empty title="No matching findings" />
        ) : requests === 0 ? (
          <Empty title="No requests yet. Send one to your app." />
        ) : (
          <Empty title={`No findings in ${plural(requests, 'request')}`} />
        )
      ) : (
        <DataTable
          label="Findings"
          rows={rows}
          idOf={({ key }) => key}
          columns={columns}
          view={`${q}|${code}|${muted}`}
          opened={opened}
          onOpen={(open) => setParams({ open })}
          detail={(item) => <FindingDetail item={item} />}
        />
      )}
      {anomalies.length > 0 && <Anomalies anomalies={anomalies} />}
    </>
  )
}

function FindingDetail({ item }: { item: FindingItem }) {
  const { id, isMuted, request, saving, occurrences, lastAt, text, title, scope, routes } = item
  const mute = (muted: boolean): Promise<unknown> =>
    act(
      'mute-finding',
      { id, muted },
      {
        done: () =>
          muted ? `${title} of ${scope} muted until the app restarts.` : `${title} of ${scope} unmuted.`,
        undo: () => mute(!muted),
      },
    )
  return (
    <div class="detail-body">
      <FindingBody item={item} />
      <p class="muted">
        {`A fix saves ${plural(saving.queries, 'query', 'queries')} and ${duration(saving.ms)} of database time per request. Seen in ${plural(occurrences, 'request')}${lastAt === null ? '' : `, last ${ago(lastAt, now.value)}`}.`}
      </p>
      {routes.length > 1 && (
        <ul class="groups">
          {routes.map((route) => (
            <li key={route.scope}>
              <code class="wrap">{route.scope}</code>
              <span class="muted">
                {`${plural(route.occurrences, 'request')}, ${duration(route.impact.savedMsPerMinute)}/min`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div class="buttons">
        {request !== null && (
          <a class="button button-main" href={hrefOf('requests', {}, request)}>
            Open request
          </a>
        )}
        <ActionButton label={isMuted ? 'Unmute' : 'Mute'} run={() => mute(!isMuted)} />
        <CopyButton text={`'${id}',`} what="baseline entry" />
        <CopyButton text={text} what="text" label="Copy as text" />
      </div>
      <p class="muted">
        {'To ignore it permanently, add its baseline entry to '}
        <code>{'detection: { ignore: [ … ] }'}</code>
        {'.'}
      </p>
    </div>
  )
}

function Anomalies({ anomalies }: { anomalies: readonly StatementAnomaly[] }) {
  return (
    <section aria-labelledby="anomalies">
      <h2 id="anomalies">Possible SQL injections</h2>
      <ul class="plain-list">
        {anomalies.slice(0, 20).map((anomaly) => (
          <li key={`${anomaly.kind}${anomaly.fingerprint}`}>
            <SeverityWord severity={anomaly.severity} />
            <span class="plain-text">
              <code class="wrap">{anomaly.label}</code>
              <span class="muted">{`${anomaly.why} ${count(anomaly.count)}×`}</span>
              {anomaly.callSite !== null && <PlaceText place={anomaly.callSite} />}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

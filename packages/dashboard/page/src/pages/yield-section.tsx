import type { YieldPage } from '../../../src/protocol/index.ts'
import { count, duration, percent, plural } from '../format.ts'
import { rights } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton } from '../parts/buttons.tsx'
import { SectionView } from '../parts/section-view.tsx'

type Report = NonNullable<YieldPage['report']>

/** Section: what would `optimize` save? For mode `observe`. */
export function YieldSection() {
  const loaded = useSection<YieldPage>('cache', 'yield')
  return (
    <section aria-labelledby="yield">
      <h2 id="yield">
        What <code>optimize</code> would save
      </h2>
      <SectionView section={loaded} off={null}>
        {({ isRecording, report }) =>
          report !== null && report.statements > 0 ? (
            <Estimate report={report} />
          ) : isRecording ? (
            <p class="muted">Recording. Send requests to your app.</p>
          ) : (
            <Start again={loaded.again} />
          )
        }
      </SectionView>
    </section>
  )
}

function Start({ again }: { again: () => void }) {
  const record = async () => {
    await act('record-yield', {})
    again()
  }
  return (
    <>
      <p class="muted">
        {rights.value.act
          ? 'Not recorded. Recording examines each query, and reads the catalog of the database. It changes no result, and stops 5 minutes after you leave this page.'
          : 'Not recorded.'}
      </p>
      <ActionButton label="Record" isMain run={record} />
    </>
  )
}

function Estimate({ report }: { report: Report }) {
  const { statements, durationMs, optimize, ideal, missed, ttl, byTtl } = report
  const saved = optimize.cached + optimize.batched + optimize.prefetched
  const bound = ideal.cached + ideal.batched + ideal.frames
  const [longer] = byTtl
  return (
    <>
      <p>
        <strong>{percent(saved / statements)}</strong>
        {` of the last ${plural(statements, 'statement')} (${duration(durationMs)}): ${plural(optimize.cached, 'read')} from the cache, ${count(optimize.batched + optimize.prefetched)} batched or prefetched. At most ${percent(bound / statements)} can be saved.`}
        {longer !== undefined &&
          longer.saved > saved &&
          ` With cache.ttl: ${longer.ttl} instead of ${ttl}, it would be ${percent(longer.saved / statements)}.`}
      </p>
      {missed.length > 0 && (
        <ol class="rows rows-2" aria-label="Not saved, by reason">
          {missed.slice(0, 5).map(({ reason, text, advice, statements: lost }) => (
            <li key={reason}>
              <span class="rows-name" title={reason}>
                {text}
                {advice !== undefined && <span class="muted">{` ${advice}`}</span>}
              </span>
              <span class="rows-value">{percent(lost / statements)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

import { useState } from 'preact/hooks'
import type { DatabaseAdvice, ExplainResult, StatementRow } from '../../../../src/protocol/index.ts'
import { count, duration, plural } from '../../format/numbers.ts'
import { ago } from '../../format/times.ts'
import { act } from '../../live/act.ts'
import { now } from '../../live/live.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { Figures } from '../../parts/figures.tsx'
import { PlaceText } from '../../parts/place-text.tsx'
import { Sql } from '../../sql/sql.tsx'
import { AdviceItem } from './advice-list.tsx'
import { PlanTree } from './plan-tree.tsx'

/** A statement, opened: its text, where it comes from, its plan, and what would help. */
export function StatementDetail({ row, advice }: { row: StatementRow; advice: readonly DatabaseAdvice[] }) {
  const [plan, setPlan] = useState<ExplainResult | undefined>(undefined)
  const { fingerprint, dialect, sql, rows, calls, totalMs, errors, callSites, isExplainable, lastSeenAt, maxMs } = row
  const explain = async (): Promise<void> => {
    const result = await act('explain', { fingerprint, dialect })
    if (result !== undefined) setPlan(result)
  }
  return (
    <div class="detail-body">
      <div class="with-button">
        <Sql text={sql} />
        <CopyButton text={sql} what="SQL" />
      </div>
      <Figures
        figures={[
          { label: 'Total', value: duration(totalMs) },
          { label: 'Most', value: duration(maxMs) },
          { label: 'Rows a call', value: count(calls === 0 ? undefined : rows / calls) },
          { label: 'Errors', value: count(errors ?? undefined) },
          { label: 'Last seen', value: ago(lastSeenAt, now.value) },
        ]}
      />
      {callSites.length > 0 && (
        <dl class="facts">
          <dt>at</dt>
          <dd>
            <ul>
              {callSites.slice(0, 5).map((place) => (
                <li key={place.text}>
                  <PlaceText place={place} />
                  <span class="muted">{` ${count(place.count)}×`}</span>
                </li>
              ))}
            </ul>
            {callSites.length > 5 && <span class="muted">{`and ${plural(callSites.length - 5, 'place')} more`}</span>}
          </dd>
        </dl>
      )}
      {plan === undefined ? (
        isExplainable && (
          <div class="buttons">
            <ActionButton label="Explain" isMain run={explain} />
          </div>
        )
      ) : (
        <PlanTree plan={plan} />
      )}
      {advice.length > 0 && (
        <ul class="plain-list">
          {advice.map((one) => (
            <AdviceItem key={one.key} advice={one} />
          ))}
        </ul>
      )}
    </div>
  )
}

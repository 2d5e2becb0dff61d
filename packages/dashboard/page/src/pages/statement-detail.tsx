import { useState } from 'preact/hooks'
import type { DatabaseAdvice, ExplainResult, StatementRow } from '../../../src/protocol/index.ts'
import { ago, amount, count, duration, percent, plural } from '../format.ts'
import { now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { ActionButton, CopyButton } from '../parts/buttons.tsx'
import { Icon } from '../parts/icon.tsx'
import { Figures, PlaceText, SeverityWord } from '../parts/labels.tsx'
import { Sql } from '../sql/sql.tsx'

/** An opened statement: its SQL, call sites, plan, and recommendations. */
export function StatementDetail({ row, advice }: { row: StatementRow; advice: readonly DatabaseAdvice[] }) {
  const [plan, setPlan] = useState<ExplainResult | undefined>(undefined)
  const {
    fingerprint,
    dialect,
    sql,
    rows,
    calls,
    totalMs,
    errors,
    callSites,
    isExplainable,
    lastSeenAt,
    maxMs,
  } = row
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
          { label: 'Maximum', value: duration(maxMs) },
          { label: 'Rows per call', value: count(calls === 0 ? undefined : rows / calls) },
          { label: 'Errors', value: count(errors ?? undefined) },
          { label: 'Last seen', value: ago(lastSeenAt, now.value) },
        ]}
      />
      {callSites.length > 0 && (
        <dl class="facts">
          <dt>{callSites.length === 1 ? 'Call site' : 'Call sites'}</dt>
          <dd>
            <ul>
              {callSites.slice(0, 5).map((place) => (
                <li key={place.text}>
                  <PlaceText place={place} />
                  <span class="muted">{` ${count(place.count)}×`}</span>
                </li>
              ))}
            </ul>
            {callSites.length > 5 && (
              <span class="muted">{`and ${plural(callSites.length - 5, 'more call site')}`}</span>
            )}
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

const words: Readonly<Record<ExplainResult['steps'][number]['access'], string>> = {
  'full-scan': 'full table scan',
  'index-scan': 'full index scan',
  'index-search': 'index search',
  'index-only-scan': 'index-only scan',
  bitmap: 'bitmap index scan',
  key: 'key lookup',
  'automatic-index': 'temporary automatic index',
  other: 'reads',
}

const costly: ReadonlySet<string> = new Set(['full-scan', 'automatic-index'])
const MAX_STEPS = 40

/** The execution plan: each access is nested in the one above it. */
function PlanTree({ plan }: { plan: ExplainResult }) {
  const { steps, cost, rowsScanned, sorts, temporaryStructures, warnings, recommendations, raw, tookMs } =
    plan
  const facts = [
    cost === null ? '' : `cost ${amount(cost)}`,
    rowsScanned === null ? '' : `${count(rowsScanned)} rows read`,
    sorts === 0 ? '' : plural(sorts, 'sort'),
    temporaryStructures === 0 ? '' : plural(temporaryStructures, 'temporary structure'),
    `explained in ${duration(tookMs)}`,
  ].filter(Boolean)
  return (
    <section class="plan" aria-label="Plan">
      <h3>Plan</h3>
      <p class="muted">{facts.join(', ')}</p>
      <ol class="plan-tree">
        {steps.slice(0, MAX_STEPS).map((step, index) => (
          <li key={index} style={{ '--depth': Math.min(index, 8) }}>
            <span class={costly.has(step.access) ? 'state warn' : 'state'}>
              <Icon
                name={costly.has(step.access) ? 'alert' : 'check'}
                class={costly.has(step.access) ? '' : 'good'}
              />
              <strong>{step.name}</strong>
              {words[step.access] ?? step.access}
            </span>
            <span class="muted">
              {[
                step.index === undefined
                  ? ''
                  : `${step.index}${step.searchedBy === undefined ? '' : ` (${step.searchedBy.join(', ')})`}`,
                step.rows === undefined ? '' : `${count(step.rows)} rows`,
                step.loops === undefined || step.loops === 1 ? '' : `${count(step.loops)} loops`,
              ]
                .filter(Boolean)
                .join(', ')}
            </span>
            {step.filter !== undefined && <code class="wrap muted">{step.filter}</code>}
          </li>
        ))}
      </ol>
      {[...warnings, ...recommendations].map((text, index) => (
        <p key={index} class={index < warnings.length ? 'state warn' : 'state'}>
          <Icon name={index < warnings.length ? 'alert' : 'info'} />
          <span>{text}</span>
        </p>
      ))}
      {raw !== null && (
        <div class="buttons">
          <CopyButton text={raw} what="plan" />
          <span class="muted">
            For an external visualizer. The plan contains table and column names, and may contain values:
            check it before you send it to a service.
          </span>
        </div>
      )}
    </section>
  )
}

const MAX_SHOWN = 30

/** Recommended changes to the database, as SQL to copy. Nothing is executed from here. */
export function AdviceList({ advice }: { advice: readonly DatabaseAdvice[] }) {
  return (
    <ul class="plain-list">
      {advice.slice(0, MAX_SHOWN).map((one) => (
        <AdviceItem key={one.key} advice={one} />
      ))}
      {advice.length > MAX_SHOWN && (
        <li class="muted">{`and ${count(advice.length - MAX_SHOWN)} more: run npx sluice analyze`}</li>
      )}
    </ul>
  )
}

function AdviceItem({
  advice: { severity, title, details, sql, savedMs, savedShare, validation },
}: {
  advice: DatabaseAdvice
}) {
  const text = sql.map((line) => (line.endsWith(';') ? line : `${line};`)).join('\n')
  const saves =
    savedShare !== null
      ? `${percent(savedShare)} of the database time`
      : savedMs !== null
        ? duration(savedMs)
        : ''
  return (
    <li class="advice">
      <SeverityWord severity={severity} />
      <div class="plain-text">
        <strong>{title}</strong>
        {details.map((line, index) => (
          <span key={index} class="muted">
            {line}
          </span>
        ))}
        {(saves !== '' || validation !== null) && (
          <span class="muted">
            {[saves === '' ? '' : `Saves ${saves}.`, validation ?? ''].filter(Boolean).join(' ')}
          </span>
        )}
        {text !== '' && (
          <div class="with-button">
            <Sql text={text} />
            <CopyButton text={text} what="fix" isFix />
          </div>
        )}
      </div>
    </li>
  )
}

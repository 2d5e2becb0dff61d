import type { ExplainResult } from '../../../../src/protocol/index.ts'
import { amount, count, duration } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { Icon } from '../../parts/icon.tsx'

const words: Readonly<Record<ExplainResult['steps'][number]['access'], string>> = {
  'full-scan': 'reads the whole table',
  'index-scan': 'reads a whole index',
  'index-search': 'searches an index',
  'index-only-scan': 'reads an index alone',
  bitmap: 'gathers rows by indexes',
  key: 'reads one row by its key',
  'automatic-index': 'makes an index for this statement only',
  other: 'reads',
}

const costly: ReadonlySet<string> = new Set(['full-scan', 'automatic-index'])
const MAX_STEPS = 40

/** How the database runs a statement: one access after the other, each within the one above. */
export function PlanTree({ plan }: { plan: ExplainResult }) {
  const { steps, cost, rowsScanned, sorts, temporaryStructures, warnings, recommendations, raw, tookMs } = plan
  const facts = [
    cost === null ? '' : `cost ${amount(cost)}`,
    rowsScanned === null ? '' : `${count(rowsScanned)} rows read`,
    sorts === 0 ? '' : `${count(sorts)}× sorted`,
    temporaryStructures === 0 ? '' : `${count(temporaryStructures)} temporary`,
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
              <Icon name={costly.has(step.access) ? 'alert' : 'check'} class={costly.has(step.access) ? '' : 'good'} />
              <strong>{step.name}</strong>
              {words[step.access] ?? step.access}
            </span>
            <span class="muted">
              {[
                step.index === undefined ? '' : `${step.index}${step.searchedBy === undefined ? '' : ` (${step.searchedBy.join(', ')})`}`,
                step.rows === undefined ? '' : `${count(step.rows)} rows`,
                step.loops === undefined || step.loops === 1 ? '' : `${count(step.loops)} times`,
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
            For an external visualiser. It names tables and columns, and may hold values: look at it before you give it to a service.
          </span>
        </div>
      )}
    </section>
  )
}

import type { DatabaseAdvice } from '../../../../src/protocol/index.ts'
import { count, duration, percent } from '../../format/numbers.ts'
import { CopyButton } from '../../parts/copy.tsx'
import { SeverityWord } from '../../parts/state-words.tsx'
import { Sql } from '../../sql/sql.tsx'

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

export function AdviceItem({
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

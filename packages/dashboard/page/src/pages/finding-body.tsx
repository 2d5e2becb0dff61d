import type { FindingItem } from '../../../src/protocol/index.ts'
import { count, duration, plural } from '../format.ts'
import { CopyButton } from '../parts/buttons.tsx'
import { PlaceText, SeverityWord } from '../parts/labels.tsx'
import { hrefOf } from '../route/router.ts'
import { Sql } from '../sql/sql.tsx'

interface FindingBodyProps {
  readonly item: FindingItem
  /** Whether it is shown in a request, which contains the other details. */
  readonly isShort?: boolean
}

/** A finding with its query, call site and fix. */
export function FindingBody({ item, isShort = false }: FindingBodyProps) {
  const {
    code,
    title,
    severity,
    label,
    count: times,
    databaseMs,
    callSite,
    parent,
    fix,
    queries,
    queriesPossible,
    groups,
    pattern,
    fingerprint,
  } = item
  const isBudget = code === 'QUERY_BUDGET'
  return (
    <div class="finding-body">
      {isShort && (
        <p class="finding-head">
          <SeverityWord severity={severity} />
          <strong>{title}</strong>
          <span>
            {isBudget
              ? `${plural(queries, 'query', 'queries')}, budget ${count(queriesPossible)}`
              : `${plural(queries, 'query', 'queries')} → ${count(queriesPossible)} possible`}
          </span>
        </p>
      )}
      <dl class="facts">
        {!isBudget && (
          <>
            <dt>Query</dt>
            <dd>
              <span class="times">{`${count(times)}×`}</span>
              <code class="wrap">{label}</code>
              <span class="muted">{`${duration(databaseMs)}${pattern === null ? '' : `, ${pattern}`}${code === 'REPEATED_QUERY' ? ', identical values' : ''}`}</span>
            </dd>
          </>
        )}
        {callSite !== null && (
          <>
            <dt>Call site</dt>
            <dd>
              <PlaceText place={callSite} />
              {callSite.functionName !== null && <span class="muted">{callSite.functionName}</span>}
            </dd>
          </>
        )}
        {parent !== null && (
          <>
            <dt>Parent query</dt>
            <dd>
              <code class="wrap">{parent.label}</code>
              {parent.callSite !== null && <PlaceText place={parent.callSite} />}
            </dd>
          </>
        )}
        <dt>Fix</dt>
        <dd class="with-button">
          {fix !== null ? (
            <>
              <code class="wrap good">{fix}</code>
              <CopyButton text={fix} what="fix" isFix />
            </>
          ) : (
            <span>
              {isBudget
                ? 'Send fewer queries. The most frequent:'
                : code === 'REPEATED_QUERY'
                  ? 'Query once and reuse the result.'
                  : 'Load all rows with one query.'}
            </span>
          )}
        </dd>
      </dl>
      {groups.length > 0 && (
        <ul class="groups">
          {groups.map((group, index) => (
            <li key={index}>
              <span class="times">{`${count(group.count)}×`}</span>
              <code class="wrap">{group.label}</code>
              <span class="muted">{duration(group.databaseMs)}</span>
              {group.callSite !== null && <PlaceText place={group.callSite} />}
              {group.fix !== null && <code class="wrap good">{group.fix}</code>}
            </li>
          ))}
        </ul>
      )}
      {!isShort && /^(SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(label) && <Sql text={label} />}
      {!isShort && fingerprint !== '' && (
        <p class="muted">
          {'Fingerprint '}
          <a href={hrefOf('queries', { open: fingerprint })}>
            <code>{fingerprint}</code>
          </a>
        </p>
      )}
    </div>
  )
}

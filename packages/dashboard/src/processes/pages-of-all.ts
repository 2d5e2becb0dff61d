import { requestsQuery } from '../http/parse-query.ts'
import { DEFAULT_LIMIT } from '../pages/requests-page.ts'
import type { RequestsPage } from '../protocol/request.ts'
import type { AllProcesses } from './all-processes.ts'
import { mergeRecent } from './merge/merge-findings.ts'
import { mergePage } from './merge-page.ts'
import type { Told } from './peers.ts'

export interface PagesParts {
  readonly live: AllProcesses
  /** The page of this process; `undefined`: there is none. */
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
}

/** What is at a path below `api/`, of all processes that answer. */
export async function pageOfAll(
  path: string,
  query: URLSearchParams,
  { live, page }: PagesParts,
): Promise<{ readonly value: unknown } | undefined> {
  if (path === 'now') {
    // This process's own page asks its queues anew.
    await Promise.all([page(path, query), live.refresh()])
    return { value: live.now() }
  }
  const asking = live.peers.askAll({ kind: 'page', path, search: query.toString() })
  const own = await page(path, query)
  // Of one request, the process that has it tells.
  if (own !== undefined && path.startsWith('requests/')) return own
  const values = (await asking).flatMap(({ answer }: Told) => ('value' in answer ? [answer.value] : []))
  if (own === undefined) return values.length === 0 ? undefined : { value: values[0] }
  if (values.length === 0) return own
  if (path === 'requests') {
    await live.refresh()
    const { limit = DEFAULT_LIMIT } = requestsQuery(query)
    return { value: { ...mergeRecent([own.value, ...values] as RequestsPage[], limit), routes: live.routes(), ring: live.ring() } }
  }
  return { value: mergePage(path, [own.value, ...values]) }
}

import type { RequestSummary } from '../../../src/protocol/index.ts'
import { isError } from '../format/request-facts.ts'
import { StateWord } from './severity.tsx'

/** How a request ended. What went well needs no colour. */
export function StatusCode({ request }: { request: Pick<RequestSummary, 'failed' | 'statusCode' | 'kind'> }) {
  const { failed, statusCode } = request
  const word = statusCode === null ? (failed ? 'failed' : 'done') : String(statusCode)
  if (isError(request)) return <StateWord tone="bad" word={word} />
  return <span class={statusCode !== null && statusCode >= 400 ? 'warn' : 'muted'}>{word}</span>
}

import { MAX_LIMIT } from '../pages/requests-page.ts'
import type { MetricsQuery } from '../protocol/monitor.ts'
import type { RequestsQuery } from '../protocol/request.ts'
import { Refusal } from './responses.ts'

const STATUSES = ['2xx', '3xx', '4xx', '5xx', 'error'] as const
const CODES = ['N_PLUS_ONE', 'REPEATED_QUERY', 'QUERY_BUDGET', 'any'] as const
const MAX_TEXT = 200

/**
 * Ignores unknown parameters, so that a newer page works with an older app.
 *
 * @throws Refusal for invalid values
 */
export function requestsQuery(query: URLSearchParams): RequestsQuery {
  const name = textOf(query, 'name')
  const status = oneOf(query, 'status', STATUSES)
  const code = oneOf(query, 'code', CODES)
  const minMs = numberOf(query, 'minMs', 0, Number.MAX_SAFE_INTEGER)
  const minQueries = numberOf(query, 'minQueries', 0, Number.MAX_SAFE_INTEGER)
  const limit = numberOf(query, 'limit', 1, MAX_LIMIT)
  return {
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(minMs === undefined ? {} : { minMs }),
    ...(minQueries === undefined ? {} : { minQueries }),
    ...(limit === undefined ? {} : { limit: Math.floor(limit) }),
  }
}

/** @throws Refusal */
export function metricsQuery(query: URLSearchParams): MetricsQuery {
  const metric = textOf(query, 'metric')
  const minutes = numberOf(query, 'minutes', 1, 1_440)
  const ahead = numberOf(query, 'ahead', 1, 60)
  return {
    ...(metric === undefined ? {} : { metric }),
    ...(minutes === undefined ? {} : { minutes }),
    ...(ahead === undefined ? {} : { ahead: Math.floor(ahead) }),
  }
}

function textOf(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value.length > MAX_TEXT)
    throw new Refusal('BAD_QUERY', `"${name}" must have at most ${MAX_TEXT} characters.`)
  return value
}

function oneOf<T extends string>(query: URLSearchParams, name: string, values: readonly T[]): T | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  const found = values.find((one) => one === value)
  if (found === undefined) throw new Refusal('BAD_QUERY', `"${name}" must be one of ${values.join(', ')}.`)
  return found
}

function numberOf(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  const number = Number(value)
  if (!(number >= min && number <= max))
    throw new Refusal('BAD_QUERY', `"${name}" must be a number from ${min} to ${max}.`)
  return number
}

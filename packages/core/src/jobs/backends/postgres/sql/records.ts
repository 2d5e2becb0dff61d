import type { TaskFailure } from '../../../task.ts'
import type { BatchRow, TaskClaim, TaskRecord } from '../../job-backend.ts'

/** Statuses of tasks that are not over. */
export const OPEN = `('queued', 'pending', 'retry', 'processing')`

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Safe with any value of `standard_conforming_strings`. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** The tables of a schema, as statements name them. */
export interface TableNames {
  readonly tasks: string
  readonly batches: string
  readonly queues: string
  readonly slots: string
  readonly version: string
}

export function tableNames(schema: string): TableNames {
  const named = (table: string) => `${identifier(schema)}.${table}`
  return {
    tasks: named('job_tasks'),
    batches: named('job_batches'),
    queues: named('job_queues'),
    slots: named('job_slots'),
    version: named('job_version'),
  }
}

/** The channel on which processes tell each other. */
export function channelOf(schema: string): string {
  return `sluice_jobs:${schema}`
}

/** Milliseconds since 1970, of a time. */
export const toMs = (time: string): string => `round(extract(epoch FROM ${time}) * 1000)`

/** A time, of milliseconds since 1970. */
export const fromMs = (ms: string): string => `to_timestamp(${ms} / 1000.0)`

/** So many milliseconds from now, by the server's clock. */
export const afterMs = (ms: string): string => `clock_timestamp() + ${ms} * interval '1 millisecond'`

/** Fields of rows, in the order in which statements return them: one JSON array each. */
const BATCH = [
  'id',
  'name',
  'batchSize',
  'createdAt',
  'maxFailedItems',
  'stopsOnFailure',
  'webhook',
  'totalItems',
  'chunks',
  'chunksDone',
  'processedItems',
  'failedItems',
  'isCancelled',
  'endedAt',
  'isNotified',
] as const satisfies readonly (keyof BatchRow)[]
/** What claims and records have in common, except for long fields. */
const COMMON = [
  'id',
  'queue',
  'level',
  'order',
  'createdAt',
  'settings',
  'uniqueKey',
  'batchId',
  'chunk',
  'items',
  'attempts',
  'crashes',
] as const satisfies readonly (keyof TaskRecord)[]
const CLAIM = [...COMMON, 'token', 'isCancelled'] as const
const RECORD = [...COMMON, 'status', 'runAt', 'startedAt', 'finishedAt', 'failures'] as const

/** Each row is one JSON string, so that type parsers of a driver, an ORM or an app do not change it. */
function jsonOf(table: string, fields: readonly string[]): string {
  const columns = fields.map((field) => {
    const column = `${table}.${field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`
    if (field === 'order') return `${column}_ms`
    if (field === 'settings') return `${column}::json`
    return field.endsWith('At') ? toMs(column) : column
  })
  return `json_build_array(${columns.join(', ')})::text`
}

function rowOf<TRow>(fields: readonly string[], text: string): TRow {
  const values = JSON.parse(text) as readonly unknown[]
  return Object.fromEntries(fields.map((field, at) => [field, values[at]])) as TRow
}

/** @param table - The table or its alias, as for the others. */
export function batchJson(table: string): string {
  return jsonOf(table, BATCH)
}

export function batchOf(text: string): BatchRow {
  const row = rowOf<BatchRow>(BATCH, text)
  return { ...row, webhook: fromText(row.webhook) }
}

export function claimJson(table: string): string {
  return jsonOf(table, CLAIM)
}

/** A claim, and whether the task was cancelled before another worker lost it. */
export function claimOf(
  text: string,
  data: string,
): { readonly claim: TaskClaim; readonly isCancelled: boolean } {
  const { isCancelled, ...row } = rowOf<TaskClaim & { readonly isCancelled: boolean }>(CLAIM, text)
  return { claim: { ...row, data, uniqueKey: fromText(row.uniqueKey) }, isCancelled }
}

export function recordJson(table: string): string {
  return jsonOf(table, RECORD)
}

export function recordOf(text: string, data: string): TaskRecord {
  const row = rowOf<Omit<TaskRecord, 'failures'> & { readonly failures: readonly string[] }>(RECORD, text)
  return {
    ...row,
    data,
    uniqueKey: fromText(row.uniqueKey),
    runAt: row.runAt ?? 0,
    failures: row.failures.map((failure) => JSON.parse(failure) as TaskFailure),
  }
}

/**
 * PostgreSQL has no NUL in strings. This stands for it in strings that the app chooses; with a `1`, for
 * itself. JSON needs no replacement: it contains `\u0000`.
 */
const SIGN = '\u2400'

export function toText(text: string): string {
  return text.includes('\0') || text.includes(SIGN)
    ? text.replaceAll(SIGN, `${SIGN}1`).replaceAll('\0', `${SIGN}0`)
    : text
}

function fromText(text: string | null): string | null {
  return text?.includes(SIGN) === true ? text.replaceAll(`${SIGN}0`, '\0').replaceAll(`${SIGN}1`, SIGN) : text
}

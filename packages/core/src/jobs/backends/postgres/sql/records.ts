import type { TaskFailure, TaskStatus } from '../../../task.ts'
import type { BatchRow, TaskClaim, TaskLevel, TaskRecord, TaskSettings } from '../../job-backend.ts'

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

/**
 * Each row is read as one JSON string, so that type parsers of a driver, an ORM or an app do not change it.
 */
const json = (...values: readonly string[]): string => `json_build_array(${values.join(', ')})::text`

/**
 * A batch.
 *
 * @param b - The table or its alias.
 */
export function batchJson(b: string): string {
  return json(
    ...[
      `${b}.id`,
      `${b}.name`,
      `${b}.batch_size`,
      toMs(`${b}.created_at`),
      `${b}.max_failed_items`,
      `${b}.stops_on_failure`,
    ],
    ...[
      `${b}.webhook`,
      `${b}.total_items`,
      `${b}.chunks`,
      `${b}.chunks_done`,
      `${b}.processed_items`,
      `${b}.failed_items`,
    ],
    ...[`${b}.is_cancelled`, toMs(`${b}.ended_at`), `${b}.is_notified`],
  )
}

type BatchJson = readonly [
  ...[
    id: string,
    name: string,
    batchSize: number,
    createdAt: number,
    maxFailedItems: number,
    stopsOnFailure: boolean,
  ],
  ...[
    webhook: string | null,
    totalItems: number | null,
    chunks: number | null,
    chunksDone: number,
    processed: number,
    failed: number,
  ],
  ...[isCancelled: boolean, endedAt: number | null, isNotified: boolean],
]

export function batchOf(text: string): BatchRow {
  const [
    id,
    name,
    batchSize,
    createdAt,
    maxFailedItems,
    stopsOnFailure,
    webhook,
    totalItems,
    chunks,
    chunksDone,
    ...rest
  ] = JSON.parse(text) as BatchJson
  const [processedItems, failedItems, isCancelled, endedAt, isNotified] = rest
  return {
    ...{
      id,
      name,
      batchSize,
      createdAt,
      maxFailedItems,
      stopsOnFailure,
      webhook: webhook === null ? null : fromText(webhook),
    },
    ...{ totalItems, chunks, chunksDone, processedItems, failedItems, isCancelled, endedAt, isNotified },
  }
}

/** Fields that claims and records have in common, except for long ones. */
const common = (t: string): readonly string[] => [
  ...[
    `${t}.id`,
    `${t}.queue`,
    `${t}.level`,
    `${t}.order_ms`,
    toMs(`${t}.created_at`),
    `${t}.settings::json`,
    `${t}.unique_key`,
  ],
  ...[`${t}.batch_id`, `${t}.chunk`, `${t}.items`, `${t}.attempts`, `${t}.crashes`],
]

type CommonJson = readonly [
  ...[
    id: string,
    queue: string,
    level: TaskLevel,
    order: number,
    createdAt: number,
    settings: TaskSettings,
    uniqueKey: string | null,
  ],
  ...[batchId: string | null, chunk: number, items: number, attempts: number, crashes: number],
]

function commonOf([
  id,
  queue,
  level,
  order,
  createdAt,
  settings,
  uniqueKey,
  batchId,
  chunk,
  items,
  attempts,
  crashes,
]: CommonJson) {
  return {
    ...{
      id,
      queue,
      level,
      order,
      createdAt,
      settings,
      uniqueKey: uniqueKey === null ? null : fromText(uniqueKey),
    },
    ...{ batchId, chunk, items, attempts, crashes },
  }
}

export function claimJson(t: string): string {
  return json(...common(t), `${t}.token`, `${t}.is_cancelled`)
}

/** A claim, and whether the task was cancelled before another worker lost it. */
export function claimOf(
  text: string,
  data: string,
): { readonly claim: TaskClaim; readonly isCancelled: boolean } {
  const row = JSON.parse(text) as readonly [...CommonJson, token: number, isCancelled: boolean]
  return {
    claim: { ...commonOf(row.slice(0, 12) as unknown as CommonJson), data, token: row[12] },
    isCancelled: row[13],
  }
}

export function recordJson(t: string): string {
  const more = [
    `${t}.status`,
    toMs(`${t}.run_at`),
    toMs(`${t}.started_at`),
    toMs(`${t}.finished_at`),
    `${t}.failures`,
  ]
  return json(...common(t), ...more)
}

type RecordJson = readonly [
  ...CommonJson,
  ...[
    status: TaskStatus,
    runAt: number | null,
    startedAt: number | null,
    finishedAt: number | null,
    failures: readonly string[],
  ],
]

export function recordOf(text: string, data: string): TaskRecord {
  const row = JSON.parse(text) as RecordJson
  const [status, runAt, startedAt, finishedAt, failures] = [row[12], row[13], row[14], row[15], row[16]]
  return {
    ...commonOf(row.slice(0, 12) as unknown as CommonJson),
    ...{ data, status, runAt: runAt ?? 0, startedAt, finishedAt },
    failures: failures.map((failure) => JSON.parse(failure) as TaskFailure),
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

function fromText(text: string): string {
  return text.includes(SIGN) ? text.replaceAll(`${SIGN}0`, '\0').replaceAll(`${SIGN}1`, SIGN) : text
}

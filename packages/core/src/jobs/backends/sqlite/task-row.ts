import type { TaskFailure, TaskStatus } from '../../task.ts'
import type { TaskClaim, TaskLevel, TaskRecord, TaskSettings } from '../job-backend.ts'

/** Stored values of the status. Values below `COMPLETED` are unfinished. */
export const QUEUED = 0
export const PROCESSING = 1
export const PENDING = 2
export const RETRY = 3
export const COMPLETED = 4
export const FAILED = 5
export const CANCELLED = 6
export const DEAD = 7

export const statuses: readonly TaskStatus[] = [
  'queued',
  'processing',
  'pending',
  'retry',
  'completed',
  'failed',
  'cancelled',
  'dead',
]

/** Columns of a claim. */
export interface ClaimRow {
  readonly seq: number
  readonly id: string
  readonly level: TaskLevel
  readonly ord: number
  readonly created_at: number
  readonly token: number
  readonly attempts: number
  readonly crashes: number
  readonly unique_key: string | null
  readonly batch: string | null
  readonly chunk: number
  readonly items: number
  readonly settings: string
  readonly data: string
}

export interface TaskRow extends ClaimRow {
  readonly name: string
  readonly state: number
  readonly run_at: number
  readonly started_at: number | null
  readonly finished_at: number | null
  readonly failures: string | null
}

export const CLAIM_COLUMNS =
  'seq, id, level, ord, created_at, token, attempts, crashes, unique_key, batch, chunk, items, settings, data'

const MAX_KNOWN = 500
const texts = new WeakMap<TaskSettings, string>()
const known = new Map<string, TaskSettings>()

/** Settings as they are stored: most tasks share one object. */
export function settingsText(settings: TaskSettings): string {
  let text = texts.get(settings)
  if (text === undefined) {
    text = JSON.stringify(settings)
    texts.set(settings, text)
  }
  return text
}

export function claimOf(row: ClaimRow, queue: string): TaskClaim {
  const { id, level, ord, created_at, token, attempts, crashes, unique_key, batch, chunk, items, data } = row
  return {
    ...{ id, queue, level, data, token, attempts, crashes, chunk, items },
    order: ord,
    createdAt: created_at,
    settings: settingsOf(row.settings),
    uniqueKey: unique_key,
    batchId: batch,
  }
}

export function recordOf(row: TaskRow): TaskRecord {
  const { token: _, ...common } = claimOf(row, row.name)
  return {
    ...common,
    runAt: row.run_at,
    status: statuses[row.state] ?? 'failed',
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    failures: failuresOf(row.failures),
  }
}

export function failuresOf(text: string | null): readonly TaskFailure[] {
  return text === null ? [] : (JSON.parse(text) as readonly TaskFailure[])
}

function settingsOf(text: string): TaskSettings {
  let settings = known.get(text)
  if (settings === undefined) {
    if (known.size >= MAX_KNOWN) known.clear()
    settings = JSON.parse(text) as TaskSettings
    known.set(text, settings)
  }
  return settings
}

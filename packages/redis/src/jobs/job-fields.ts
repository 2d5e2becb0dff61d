import type {
  BatchRow,
  NewBatch,
  NewTask,
  TaskClaim,
  TaskFailure,
  TaskLevel,
  TaskRecord,
  TaskSettings,
  TaskStatus,
} from '@sluice/core/jobs'

/** A hash as Redis returns it: names and values alternate. */
export type FlatHash = readonly string[]
type Fields = Readonly<Record<string, string | undefined>>

/** The fields of a job that make up a claim, in the order in which the scripts return them. */
export const CLAIM_FIELDS: readonly string[] = [
  'ats',
  'timestamp',
  'data',
  's:order',
  's:settings',
  'deid',
  's:batch',
  's:chunk',
  's:items',
  'atm',
  'stc',
  's:failures',
]

type Value = string | null | undefined

/** A claim as the scripts return it. It contains `opts` if there are no settings. */
export type ClaimValues = readonly [
  id: string,
  attemptsStarted: Value,
  timestamp: Value,
  data: Value,
  order: Value,
  settings: Value,
  deduplicationId: Value,
  batch: Value,
  chunk: Value,
  items: Value,
  attempts: Value,
  stalledCount: Value,
  failures: Value,
  opts?: Value,
]

const NO_FAILURES: readonly TaskFailure[] = []
const NORMAL: TaskLevel = 2
const MAX_CRASHES = 5
const KNOWN_SETTINGS = 1_000

interface StoredSettings {
  readonly level: TaskLevel
  readonly settings: TaskSettings
}

/** The stored format: Redis stores a hash compactly if its values have at most 64 bytes. */
type Written = readonly [
  level: TaskLevel,
  maxRetries: number,
  maxCrashes: number,
  timeoutMs: number,
  backoff: number | readonly number[],
  runAs: string | null,
]

/** A claimed task, with the fields that are required to add a failure. */
export class JobClaim implements TaskClaim {
  readonly id: string
  readonly level: TaskLevel
  readonly order: number
  readonly data: string
  readonly createdAt: number
  readonly settings: TaskSettings
  readonly uniqueKey: string | null
  readonly batchId: string | null
  readonly chunk: number
  readonly items: number
  readonly attempts: number
  readonly crashes: number
  /** JSON. */
  readonly failures: string | undefined

  constructor(
    readonly queue: string,
    readonly token: string,
    values: ClaimValues,
  ) {
    const [
      id,
      ,
      timestamp,
      data,
      order,
      settings,
      uniqueKey,
      batchId,
      chunk,
      items,
      attempts,
      crashes,
      failures,
      opts,
    ] = values
    const stored = typeof settings === 'string' ? settingsOf(settings) : foreignSettings(opts)
    this.id = id
    this.level = stored.level
    this.createdAt = Number(timestamp)
    this.order = Number(order ?? timestamp)
    this.data = data ?? '{}'
    this.settings = stored.settings
    this.uniqueKey = uniqueKey ?? null
    this.batchId = batchId ?? null
    this.chunk = Number(chunk ?? 0)
    this.items = Number(items ?? 0)
    this.attempts = Number(attempts ?? 0)
    this.crashes = Number(crashes ?? 0)
    this.failures = failures ?? undefined
  }
}

/** Returns the settings that are stored with a task. Many tasks have the same string. */
export function storedSettings({ level, settings }: NewTask): string {
  const { maxRetries, maxCrashes, timeoutMs, backoff, runAs } = settings
  return JSON.stringify([level, maxRetries, maxCrashes, timeoutMs, backoff, runAs] satisfies Written)
}

/** @param due - For a delayed task: BullMQ's score of its due time. */
export function recordOf(queue: string, id: string, state: string, due: string, flat: FlatHash): TaskRecord {
  const fields = fieldsOf(flat)
  const values = [id, ...CLAIM_FIELDS.map((name) => fields[name]), fields.opts] as unknown as ClaimValues
  const { id: _id, queue: _queue, token: _token, failures, ...common } = new JobClaim(queue, '', values)
  const status = statusOf(state, fields, common.attempts)
  return {
    id,
    queue,
    ...common,
    status,
    // BullMQ counts all runs, including the successful one.
    attempts:
      status === 'completed' || status === 'cancelled' ? Math.max(0, common.attempts - 1) : common.attempts,
    runAt: state === 'delayed' ? Math.floor(Number(due) / 0x1000) : 0,
    startedAt: fields.processedOn === undefined ? null : Number(fields.processedOn),
    finishedAt: fields.finishedOn === undefined ? null : Number(fields.finishedOn),
    failures: failures === undefined ? foreignFailures(fields) : (JSON.parse(failures) as TaskFailure[]),
  }
}

export function batchFields({ webhook, ...batch }: NewBatch): Record<string, string | number> {
  const counts = { chunksDone: 0, processedItems: 0, failedItems: 0 }
  const fields = { ...batch, ...counts, stopsOnFailure: batch.stopsOnFailure ? 1 : 0 }
  return webhook === null ? fields : { ...fields, webhook }
}

/** @returns `undefined` if there is no batch. */
function batchRowOf(flat: FlatHash): BatchRow | undefined {
  const fields = fieldsOf(flat)
  const number = (name: string) => Number(fields[name] ?? 0)
  const orNull = (name: string) => (fields[name] === undefined ? null : Number(fields[name]))
  if (fields.id === undefined) return undefined
  return {
    id: fields.id,
    name: fields.name ?? '',
    batchSize: number('batchSize'),
    createdAt: number('createdAt'),
    maxFailedItems: number('maxFailedItems'),
    stopsOnFailure: fields.stopsOnFailure === '1',
    webhook: fields.webhook ?? null,
    totalItems: orNull('totalItems'),
    chunks: orNull('chunks'),
    chunksDone: number('chunksDone'),
    processedItems: number('processedItems'),
    failedItems: number('failedItems'),
    isCancelled: fields.isCancelled === '1',
    endedAt: orNull('endedAt'),
    isNotified: fields.isNotified === '1',
  }
}

export function batchRowsOf(reply: unknown): BatchRow[] {
  return (reply as readonly FlatHash[]).map(batchRowOf).filter((row) => row !== undefined)
}

function fieldsOf(flat: FlatHash): Fields {
  const fields: Record<string, string> = Object.create(null)
  for (let at = 0; at < flat.length; at += 2) fields[flat[at] as string] = flat[at + 1] as string
  return fields
}

const known = new Map<string, StoredSettings>()

function settingsOf(text: string): StoredSettings {
  let settings = known.get(text)
  if (settings === undefined) {
    const [level, maxRetries, maxCrashes, timeoutMs, backoff, runAs] = JSON.parse(text) as Written
    settings = { level, settings: { maxRetries, maxCrashes, timeoutMs, backoff, runAs } }
    if (known.size >= KNOWN_SETTINGS) known.clear()
    known.set(text, settings)
  }
  return settings
}

/** Returns the settings of a job that was added with BullMQ directly. */
function foreignSettings(opts: Value): StoredSettings {
  const { attempts = 0, backoff } = JSON.parse(opts ?? '{}') as {
    attempts?: number
    backoff?: number | { delay?: number }
  }
  const delay = typeof backoff === 'object' ? backoff.delay : backoff
  const settings = {
    maxRetries: Math.max(0, attempts - 1),
    maxCrashes: MAX_CRASHES,
    timeoutMs: 0,
    backoff: delay ?? 0,
    runAs: null,
  }
  return { level: NORMAL, settings }
}

function foreignFailures({ failedReason, atm, finishedOn }: Fields): readonly TaskFailure[] {
  if (failedReason === undefined || failedReason === 'cancelled') return NO_FAILURES
  return [{ attempt: Number(atm ?? 1), at: Number(finishedOn ?? 0), message: failedReason, log: [] }]
}

function statusOf(state: string, fields: Fields, attempts: number): TaskStatus {
  switch (state) {
    case 'failed':
      return 'dead'
    case 'completed':
      return (fields['s:over'] as TaskStatus | undefined) ?? 'completed'
    case 'active':
      return 'processing'
    case 'delayed':
      return attempts > 0 ? 'retry' : 'pending'
    default:
      return 'queued'
  }
}

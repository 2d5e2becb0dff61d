import { InvalidArgumentError, type Sluice } from '@sluice/core'
import { CacheActions, checkJson, hostOf, isInstance, isRunnable } from '@sluice/core/siblings'
import { Refusal } from '../http/responses.ts'
import { lettersFor, MAX_GROUPED } from '../pages/jobs-page.ts'
import { isWithoutValues, masked, shapeOf } from '../pages/queries-page.ts'
import type { ActionName, ActionResults } from '../protocol/action.ts'
import type { ExplainResult } from '../protocol/query.ts'
import type { RequestRecorder } from '../recorder/request-recorder.ts'
import {
  type Body,
  checkFields,
  optionalBoolean,
  optionalInteger,
  optionalText,
  textField,
} from './action-body.ts'

export interface ActionParts {
  readonly sluice: Sluice
  readonly recorder: RequestRecorder
  readonly muted: Set<string>
  readonly showParameters: boolean
  /** Called after an analysis of the database. */
  readonly onAnalyzed: () => void
}

const MAX_MUTED = 1_000

type Call = ActionParts & { readonly actor: string }
type Actions = {
  readonly [K in ActionName]: (call: Call, body: Body) => ActionResults[K] | Promise<ActionResults[K]>
}

const actions: Actions = {
  'acknowledge-alert': ({ sluice, actor }, body) => {
    checkFields(body, ['id'])
    return { done: on('monitor', sluice.monitor).acknowledgeAlert(textField(body, 'id'), actor) }
  },
  'resolve-alert': ({ sluice, actor }, body) => {
    checkFields(body, ['id'])
    return { done: on('monitor', sluice.monitor).resolveAlert(textField(body, 'id'), actor) }
  },
  'retry-dead-letters': async ({ sluice, actor }, body) => {
    const jobs = on('jobs', sluice.jobs)
    let count = 0
    for (const id of await lettersFor(jobs, letterFields(body)))
      if (await jobs.retryDeadLetterTask(id, { actor })) count += 1
    return { count }
  },
  'discard-dead-letters': async ({ sluice, actor }, body) => {
    const jobs = on('jobs', sluice.jobs)
    let count = 0
    for (const taskId of await lettersFor(jobs, letterFields(body)))
      count += await jobs.purgeDeadLetters({ taskId }, { actor })
    return { count }
  },
  'pause-queue': async ({ sluice, actor }, body) => {
    checkFields(body, ['queue'])
    await on('jobs', sluice.jobs).pause(textField(body, 'queue'), { actor })
    return { done: true }
  },
  'resume-queue': async ({ sluice, actor }, body) => {
    checkFields(body, ['queue'])
    await on('jobs', sluice.jobs).resume(textField(body, 'queue'), { actor })
    return { done: true }
  },
  'clear-cache': async ({ sluice, actor }, body) => {
    checkFields(body, ['namespace'])
    await new CacheActions(sluice, on('cache', sluice.cache), actor).clear(optionalText(body, 'namespace'))
    return { done: true }
  },
  'warm-cache': ({ sluice, actor }, body) => warmCache(sluice, body, actor),
  'drain-node': ({ sluice }, body) => {
    checkFields(body, ['id'])
    on('balancer', sluice.balancer).updateNodeHealth(textField(body, 'id'), 'maintenance')
    return { done: true }
  },
  'undrain-node': ({ sluice }, body) => {
    checkFields(body, ['id'])
    const [id, balancer] = [textField(body, 'id'), on('balancer', sluice.balancer)]
    // Do not change a node that failed its health checks.
    if (balancer.getNodeStats(id).status !== 'maintenance') return { done: false }
    balancer.updateNodeHealth(id, 'healthy')
    return { done: true }
  },
  'mute-finding': ({ muted }, body) => {
    checkFields(body, ['id', 'muted'])
    const id = textField(body, 'id')
    if (optionalBoolean(body, 'muted') === false) muted.delete(id)
    else {
      if (muted.size >= MAX_MUTED)
        throw new Refusal(
          'BAD_BODY',
          `At most ${MAX_MUTED} findings can be muted. Ignore findings permanently with \`detection.ignore\`.`,
        )
      muted.add(id)
    }
    return { muted: [...muted] }
  },
  'set-budget': ({ recorder }, body) => {
    checkFields(body, ['name', 'queries'])
    const { queries } = body
    recorder.routes.setBudget(
      textField(body, 'name'),
      queries === null ? null : (optionalInteger(body, 'queries', 0, 1_000_000) ?? null),
    )
    return { done: true }
  },
  'record-yield': async ({ sluice }, body) => {
    checkFields(body, [])
    if (sluice.mode !== 'observe')
      throw new Refusal('OFF', `The mode is \`${sluice.mode}\`. Estimates are for mode \`observe\`.`)
    await hostOf(sluice).trace.openWindow()
    return { done: true }
  },
  explain: ({ sluice, showParameters }, body) => explainAction(sluice, body, showParameters),
  'inspect-database': async ({ sluice, onAnalyzed }, body) => {
    checkFields(body, ['analyze'])
    const database = on('database', sluice.database)
    const startedAt = performance.now()
    if (optionalBoolean(body, 'analyze') === true) {
      await database.analyze()
      onAnalyzed()
    } else await database.inspect()
    const { analysis, snapshot } = database
    return {
      tables: snapshot?.tables.length ?? 0,
      advice: analysis?.findings.length ?? 0,
      tookMs: performance.now() - startedAt,
    }
  },
}

export function isActionName(name: string): name is ActionName {
  return Object.hasOwn(actions, name)
}

/**
 * Runs an action.
 *
 * @param actor - Passed to `authorize` and the audit log of the job engine.
 * @throws Refusal; errors of the engine.
 */
export async function performAction<K extends ActionName>(
  name: K,
  parts: ActionParts,
  body: Body,
  actor: string,
): Promise<ActionResults[K]> {
  return await actions[name]({ ...parts, actor }, body)
}

function letterFields(body: Body): Parameters<typeof lettersFor>[1] {
  checkFields(body, ['id', 'group', 'queue', 'limit'])
  const [id, group, queue] = [
    optionalText(body, 'id'),
    optionalText(body, 'group'),
    optionalText(body, 'queue'),
  ]
  const limit = optionalInteger(body, 'limit', 1, MAX_GROUPED)
  return {
    ...(id === undefined ? {} : { id }),
    ...(group === undefined ? {} : { group }),
    ...(queue === undefined ? {} : { queue }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/** @throws Refusal if the engine is disabled. */
function on<T>(name: string, engine: T | undefined): T {
  if (engine === undefined)
    throw new Refusal(
      'OFF',
      `The engine \`${name}\` is disabled. Do not pass \`${name}: false\` to createSluice.`,
    )
  return engine
}

const TIMEOUT_MS = 5_000

/** Explains a statement that the app has sent. The page selects it by fingerprint and cannot pass SQL. */
async function explainAction(
  { database }: Sluice,
  body: Body,
  showParameters: boolean,
): Promise<ExplainResult> {
  checkFields(body, ['fingerprint', 'dialect'])
  const [fingerprint, dialect] = [textField(body, 'fingerprint'), textField(body, 'dialect')]
  if (database === undefined)
    throw new Refusal(
      'OFF',
      'The engine `database` is disabled. Do not pass `database: false` to createSluice.',
    )
  const entry = database
    .getWorkload()
    .find((one) => one.fingerprint === fingerprint && one.dialect === dialect)
  if (entry === undefined) throw new Refusal('NOT_FOUND', 'This statement is no longer stored.')
  const shape = shapeOf(entry)
  // MySQL needs the values of a statement to explain it, so they are masked in its output.
  const sample = entry.samples.find(isRunnable)
  const needsValues = dialect === 'mysql' || showParameters
  const startedAt = performance.now()
  const analysis = await database.explain(entry.sql, needsValues ? sample : undefined, {
    timeoutMs: TIMEOUT_MS,
  })
  const { plan, fullTableScan, indexesUsed, warnings, recommendations } = analysis
  const isClean = showParameters || isWithoutValues(entry.sql, entry.dialect)
  const mayShow = showParameters || (!needsValues && isClean)
  // Recommendations quote the statement.
  const shown = (texts: readonly string[]) => (isClean ? texts : texts.map(masked))
  return {
    fingerprint,
    sql: shape,
    fullTableScan,
    indexesUsed,
    warnings: shown(warnings),
    recommendations: shown(recommendations),
    steps: (plan?.steps ?? []).map(({ filter, ...step }) =>
      filter === undefined ? step : { ...step, filter: mayShow ? filter : masked(filter) },
    ),
    cost: plan?.cost ?? null,
    rowsScanned: plan?.rowsScanned ?? null,
    sorts: plan?.sorts ?? 0,
    temporaryStructures: plan?.temporaryStructures ?? 0,
    raw: mayShow ? rawText(plan?.raw) : null,
    tookMs: performance.now() - startedAt,
  }
}

function rawText(raw: unknown): string | null {
  if (raw === undefined || raw === null) return null
  return typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2)
}

const MAX_ENTRIES = 1_000
/** Includes the level of the object with the entries. */
const MAX_LEVELS = 20
/** 1 year. */
const MAX_TTL = 31_536_000

/** Caches the given values. Values that the engine rejects are reported as an invalid body. */
async function warmCache(sluice: Sluice, body: Body, actor: string): Promise<ActionResults['warm-cache']> {
  const cache = new CacheActions(sluice, on('cache', sluice.cache), actor)
  checkFields(body, ['namespace', 'data', 'ttl'])
  const namespace = textField(body, 'namespace')
  const data = entriesOf(body.data)
  const ttl = optionalInteger(body, 'ttl', 1, MAX_TTL)
  try {
    checkJson('data', data, MAX_LEVELS)
    return { count: await cache.warm(namespace, data, ttl), of: Object.keys(data).length }
  } catch (error) {
    throw isInstance(error, InvalidArgumentError) ? new Refusal('BAD_BODY', error.message) : error
  }
}

function entriesOf(data: unknown): Readonly<Record<string, unknown>> {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new Refusal('BAD_BODY', 'The field "data" must be an object of values by key: {"key": value}.')
  const entries = Object.entries(data)
  if (entries.length === 0 || entries.length > MAX_ENTRIES)
    throw new Refusal(
      'BAD_BODY',
      `The field "data" must have 1 to ${MAX_ENTRIES} keys, but has ${entries.length}.`,
    )
  const empty = entries.find(([, value]) => value === null)
  if (empty !== undefined)
    throw new Refusal(
      'BAD_BODY',
      `The value of "${empty[0].slice(0, 40)}" is null, which readers cannot distinguish from a missing value.`,
    )
  return data as Readonly<Record<string, unknown>>
}

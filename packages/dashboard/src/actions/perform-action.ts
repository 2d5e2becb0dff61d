import type { Sluice } from '@sluice/core'
import { Refusal } from '../http/refusal.ts'
import { lettersFor, MAX_GROUPED } from '../pages/dead-letters.ts'
import type { ActionName, ActionResults } from '../protocol/action.ts'
import type { RequestRecorder } from '../recorder/request-recorder.ts'
import { type Body, checkFields, optionalBoolean, optionalInteger, optionalText, textField } from './body-fields.ts'
import { explainAction } from './explain-action.ts'
import { warmCache } from './warm-cache.ts'

export interface ActionParts {
  readonly sluice: Sluice
  readonly recorder: RequestRecorder
  readonly muted: Set<string>
  readonly showParameters: boolean
  /** The database was analysed. */
  readonly onAnalyzed: () => void
}

/** Who an alert was acknowledged by, where nothing is known of them. */
const ACTOR = 'dashboard'
const MAX_MUTED = 1_000

type Actions = { readonly [K in ActionName]: (parts: ActionParts, body: Body) => ActionResults[K] | Promise<ActionResults[K]> }

const actions: Actions = {
  'acknowledge-alert': ({ sluice }, body) => {
    checkFields(body, ['id'])
    return { done: on('monitor', sluice.monitor).acknowledgeAlert(textField(body, 'id'), ACTOR) }
  },
  'resolve-alert': ({ sluice }, body) => {
    checkFields(body, ['id'])
    return { done: on('monitor', sluice.monitor).resolveAlert(textField(body, 'id'), ACTOR) }
  },
  'retry-dead-letters': async ({ sluice }, body) => {
    const jobs = on('jobs', sluice.jobs)
    let count = 0
    for (const id of await lettersFor(jobs, letterFields(body))) if (await jobs.retryDeadLetterTask(id, { actor: ACTOR })) count += 1
    return { count }
  },
  'discard-dead-letters': async ({ sluice }, body) => {
    const jobs = on('jobs', sluice.jobs)
    let count = 0
    for (const taskId of await lettersFor(jobs, letterFields(body))) count += await jobs.purgeDeadLetters({ taskId }, { actor: ACTOR })
    return { count }
  },
  'pause-queue': async ({ sluice }, body) => {
    checkFields(body, ['queue'])
    await on('jobs', sluice.jobs).pause(textField(body, 'queue'))
    return { done: true }
  },
  'resume-queue': async ({ sluice }, body) => {
    checkFields(body, ['queue'])
    await on('jobs', sluice.jobs).resume(textField(body, 'queue'))
    return { done: true }
  },
  'clear-cache': async ({ sluice }, body) => {
    checkFields(body, ['namespace'])
    const namespace = optionalText(body, 'namespace')
    on('cache', sluice.cache).clear(namespace)
    // What other processes share with this one, too.
    if (namespace === undefined) await sluice.tiered?.clear()
    return { done: true }
  },
  'warm-cache': ({ sluice }, body) => warmCache(on('cache', sluice.cache), body),
  'drain-node': ({ sluice }, body) => {
    checkFields(body, ['id'])
    on('balancer', sluice.balancer).updateNodeHealth(textField(body, 'id'), 'maintenance')
    return { done: true }
  },
  'undrain-node': ({ sluice }, body) => {
    checkFields(body, ['id'])
    const [id, balancer] = [textField(body, 'id'), on('balancer', sluice.balancer)]
    // Of one that probes took out, a person says nothing.
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
        throw new Refusal('BAD_BODY', `${MAX_MUTED} findings are muted, which is as many as may be: ignore them with \`detection.ignore\`.`)
      muted.add(id)
    }
    return { muted: [...muted] }
  },
  'set-budget': ({ recorder }, body) => {
    checkFields(body, ['name', 'queries'])
    const { queries } = body
    recorder.routes.setBudget(textField(body, 'name'), queries === null ? null : (optionalInteger(body, 'queries', 0, 1_000_000) ?? null))
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
    return { tables: snapshot?.tables.length ?? 0, advice: analysis?.findings.length ?? 0, tookMs: performance.now() - startedAt }
  },
}

export function isActionName(name: string): name is ActionName {
  return Object.hasOwn(actions, name)
}

/** Does what was asked for. @throws Refusal; what the engine throws. */
export async function performAction<K extends ActionName>(name: K, parts: ActionParts, body: Body): Promise<ActionResults[K]> {
  return await actions[name](parts, body)
}

function letterFields(body: Body): Parameters<typeof lettersFor>[1] {
  checkFields(body, ['id', 'group', 'queue', 'limit'])
  const [id, group, queue] = [optionalText(body, 'id'), optionalText(body, 'group'), optionalText(body, 'queue')]
  const limit = optionalInteger(body, 'limit', 1, MAX_GROUPED)
  return {
    ...(id === undefined ? {} : { id }),
    ...(group === undefined ? {} : { group }),
    ...(queue === undefined ? {} : { queue }),
    ...(limit === undefined ? {} : { limit }),
  }
}

/** @throws Refusal where the engine is off. */
function on<T>(name: string, engine: T | undefined): T {
  if (engine === undefined) throw new Refusal('OFF', `The Sluice was made with \`${name}: false\`.`)
  return engine
}

import { isInstance } from '@sluice/core/siblings'
import type { Body } from '../actions/action-body.ts'
import { Refusal } from '../http/responses.ts'
import type { ActionName, ActionResults } from '../protocol/action.ts'
import { ACT_MS, type Answer, type Peers } from './peers.ts'

export interface ActParts {
  readonly peers: Pick<Peers, 'others' | 'query'>
  /** Runs an action in this process. */
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  readonly actor: string
  /** Whether all processes share the same tasks. */
  readonly hasSharedJobs: boolean
}

/**
 * Where an action runs:
 * - `all`: in every process. It succeeds if it succeeds in any of them.
 * - `letters`: in this process, and in others that do not share its tasks.
 * - `first`: in one process that can run it, preferably this one, because all processes use the same
 * database.
 */
const PLACES: Readonly<Record<ActionName, 'all' | 'letters' | 'first'>> = {
  'acknowledge-alert': 'all',
  'resolve-alert': 'all',
  'retry-dead-letters': 'letters',
  'discard-dead-letters': 'letters',
  'pause-queue': 'all',
  'resume-queue': 'all',
  'clear-cache': 'all',
  'warm-cache': 'all',
  'drain-node': 'all',
  'undrain-node': 'all',
  'mute-finding': 'all',
  'set-budget': 'all',
  'record-yield': 'all',
  explain: 'first',
  'inspect-database': 'first',
}
/** Reading a whole database can take long. */
const LONG_MS = 120_000

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/**
 * Runs an action in all processes that it concerns.
 *
 * @throws The error of this process if no process succeeded
 */
export async function actInAll(name: ActionName, body: Body, parts: ActParts): Promise<unknown> {
  const own = await outcomeOf(parts.act(name, body, parts.actor))
  // An invalid request is also invalid in the other processes.
  if ('error' in own && isMisuse(own.error)) throw own.error
  const place = PLACES[name]
  if (place === 'first') return 'value' in own ? own.value : await firstOf(name, body, parts, own.error)
  if (place === 'letters' && parts.hasSharedJobs) return resultOf(own)
  const others = await parts.peers.others()
  if (place === 'letters') return await lettersIn(others, name, body, parts, own)
  const answers = await Promise.all(
    others.map((process) =>
      parts.peers.query(process, { kind: 'act', name, body, actor: parts.actor }, ACT_MS),
    ),
  )
  return joined([own, ...answers.map(outcomeOfAnswer)])
}

async function firstOf(
  name: ActionName,
  body: Body,
  { peers, actor }: ActParts,
  failure: unknown,
): Promise<unknown> {
  for (const process of await peers.others()) {
    const outcome = outcomeOfAnswer(await peers.query(process, { kind: 'act', name, body, actor }, LONG_MS))
    if ('value' in outcome) return outcome.value
  }
  throw failure
}

/** Runs sequentially, because a limit applies to all processes together. */
async function lettersIn(
  others: readonly string[],
  name: ActionName,
  body: Body,
  { peers, actor }: ActParts,
  own: Outcome,
): Promise<unknown> {
  const { limit } = body
  let count = 'value' in own ? (own.value as ActionResults['retry-dead-letters']).count : 0
  let isDone = 'value' in own
  for (const process of others) {
    const left = typeof limit === 'number' ? limit - count : undefined
    if (left !== undefined && left <= 0) break
    const request = left === undefined ? body : { ...body, limit: left }
    const outcome = outcomeOfAnswer(
      await peers.query(process, { kind: 'act', name, body: request, actor }, ACT_MS),
    )
    if (!('value' in outcome)) continue
    isDone = true
    count += (outcome.value as ActionResults['retry-dead-letters']).count
  }
  return isDone ? { count } : resultOf(own)
}

function joined(outcomes: readonly [Outcome, ...Outcome[]]): unknown {
  const values = outcomes.flatMap((outcome) =>
    'value' in outcome ? [outcome.value as { readonly done?: boolean }] : [],
  )
  const [first] = values
  if (first === undefined) return resultOf(outcomes[0])
  return typeof first.done === 'boolean'
    ? { ...first, done: values.some(({ done }) => done === true) }
    : first
}

function resultOf(outcome: Outcome): unknown {
  if ('value' in outcome) return outcome.value
  throw outcome.error
}

async function outcomeOf(acting: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await acting }
  } catch (error) {
    return { error }
  }
}

function outcomeOfAnswer(answer: Answer | undefined): Outcome {
  if (answer !== undefined && !('error' in answer)) return { value: answer.value }
  return { error: answer?.error }
}

function isMisuse(error: unknown): boolean {
  return isInstance(error, Refusal) && error.code === 'BAD_BODY'
}

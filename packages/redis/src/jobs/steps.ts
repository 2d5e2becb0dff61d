import { type BatchRow, type Claim, JobBackendError, MAX_FAILURES, type Outcome, type StepResult, type TaskFailure } from '@sluice/core'
import { batchRowOf, type FlatHash, JobClaim } from './job-fields.ts'
import type { JobsRedis } from './jobs-redis.ts'

/** How long a worker may be lost before anybody looks, of its lease, and at most. */
const LOOKS = 4
const MAX_LOOK_MS = 1_000

type Reply = readonly [
  claims: readonly (readonly [id: string, fields: FlatHash])[],
  lost: readonly number[],
  batches: readonly FlatHash[],
  nextAt: number | null,
]

/** What a step did whose answer came late. */
interface Recalled {
  readonly settled: ReadonlySet<Outcome>
  readonly claims: readonly Claim[]
  readonly lost: readonly Claim[]
  readonly batches: readonly BatchRow[]
}

interface Unanswered {
  readonly number: number
  readonly token: string
  readonly outcomes: readonly Outcome[]
}

/** The steps of one worker in one queue. */
interface Sequence {
  number: number
  /** Settles when the last one that was begun is over. */
  last: Promise<unknown>
  /** It is not known whether it was done. */
  unanswered: Unanswered | undefined
  recalled: Recalled | undefined
}

const NOTHING: Recalled = { settled: new Set(), claims: [], lost: [], batches: [] }

/**
 * Takes in outcomes and hands out tasks, one step after the other for each queue. A step whose answer did not come may have been done: the next one asks for what it
 * gave, and if it has not been done, sees to it that it never is. So no claim is held by nobody, and no end of a batch is told to nobody.
 */
export class Steps {
  readonly #sequences = new Map<string, Sequence>()

  constructor(private readonly redis: JobsRedis) {}

  /** @throws JobBackendError. */
  step(queue: string, outcomes: readonly Outcome[], want: number, owner: string, leaseMs: number): Promise<StepResult> {
    const key = `${owner} ${queue}`
    let sequence = this.#sequences.get(key)
    if (sequence === undefined) {
      sequence = { number: 0, last: Promise.resolve(), unanswered: undefined, recalled: undefined }
      this.#sequences.set(key, sequence)
    }
    const current = sequence
    const step = current.last.then(() => this.#step(current, queue, outcomes, want, owner, Math.ceil(leaseMs)))
    current.last = step.catch(() => {})
    return step
  }

  async #step(
    sequence: Sequence,
    queue: string,
    given: readonly Outcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): Promise<StepResult> {
    if (sequence.unanswered !== undefined) await this.#recall(sequence, sequence.unanswered, queue, owner, leaseMs)
    const { settled, claims, lost, batches } = sequence.recalled ?? NOTHING
    const now = Date.now()
    // What was claimed then may be more than is wanted now.
    const surplus = claims.slice(want).map((claim) => releasedAt(claim, now))
    const outcomes = settled.size === 0 ? [...given, ...surplus] : [...given.filter((outcome) => !settled.has(outcome)), ...surplus]
    const kept = claims.slice(0, want)
    sequence.number += 1
    const { number } = sequence
    const token = `${owner}:${number}`
    const look = Math.ceil(Math.min(MAX_LOOK_MS, leaseMs / LOOKS))
    const head = [queue, now, token, leaseMs, want - kept.length, owner, number, look, outcomes.length]
    let reply: Reply | null
    try {
      reply = (await this.redis.run('step', ...head, ...outcomes.flatMap(argumentsOf))) as Reply | null
    } catch (error) {
      sequence.unanswered = { number, token, outcomes }
      throw error
    }
    if (reply === null) throw new JobBackendError(`Step ${number} of ${owner} came after a later one.`)
    sequence.recalled = undefined
    const own = resultOf(queue, token, outcomes, reply)
    const [, , , nextAt] = reply
    return {
      claims: [...kept, ...own.claims],
      lost: [...lost, ...own.lost],
      batches: [...batches, ...own.batches],
      ...(nextAt === null ? {} : { nextAt }),
    }
  }

  async #recall(sequence: Sequence, unanswered: Unanswered, queue: string, owner: string, leaseMs: number): Promise<void> {
    const { number, token, outcomes } = unanswered
    const reply = (await this.redis.run('recall', queue, token, leaseMs, owner, number)) as Reply | null
    sequence.unanswered = undefined
    if (reply === null) return
    const { claims, lost, batches } = resultOf(queue, token, outcomes, reply)
    const before = sequence.recalled ?? NOTHING
    sequence.recalled = {
      settled: new Set([...before.settled, ...outcomes]),
      claims: [...before.claims, ...claims],
      lost: [...before.lost, ...lost],
      batches: [...before.batches, ...batches],
    }
  }
}

function resultOf(queue: string, token: string, outcomes: readonly Outcome[], [claims, lost, batches]: Reply) {
  return {
    claims: claims.map(([id, fields]) => new JobClaim(id, queue, token, fields)),
    lost: lost.map((place) => outcomes[place]?.claim).filter((claim) => claim !== undefined),
    batches: batches.map(batchRowOf).filter((row) => row !== undefined),
  }
}

function argumentsOf(outcome: Outcome): (string | number)[] {
  const { claim, kind, at, runAt, isKept, doneItems, failedItems, data, failure } = outcome
  const failures = failure === null ? undefined : [...failuresOf(claim), failure].slice(-MAX_FAILURES)
  return [
    ...[claim.id, claim.token, kind, Math.floor(at), runAt, isKept ? 1 : 0, doneItems, failedItems, data ?? '', failure?.message ?? ''],
    failures === undefined ? '' : JSON.stringify(failures),
    failures === undefined ? '' : JSON.stringify(failures.map(({ message, stack }) => stack ?? message)),
    ...[claim.settings.maxRetries + 1, claim.batchId ?? ''],
  ]
}

function failuresOf(claim: Claim): readonly TaskFailure[] {
  const { failures } = claim as JobClaim
  return failures === undefined ? [] : (JSON.parse(failures) as TaskFailure[])
}

function releasedAt(claim: Claim, now: number): Outcome {
  return { claim, kind: 'release', at: now, runAt: now, failure: null, isKept: false, doneItems: 0, failedItems: 0, data: null }
}

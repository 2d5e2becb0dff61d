import {
  type BatchRow,
  JobBackendError,
  MAX_FAILURES,
  type StepResult,
  type TaskClaim,
  type TaskFailure,
  type TaskOutcome,
} from '@sluice/core/jobs'
import { batchRowsOf, type ClaimValues, type FlatHash, JobClaim } from './job-fields.ts'
import type { JobsRedis } from './jobs-redis.ts'

/**
 * The interval between two searches for lost workers is the lease divided by this number, at most
 * `MAX_LOOK_MS`.
 */
const LOOKS = 4
const MAX_LOOK_MS = 1_000

type Reply = readonly [
  claims: readonly ClaimValues[],
  lost: readonly number[],
  batches: readonly FlatHash[],
  nextAt: number | null,
]

/** A step whose reply was lost, so that it may or may not have been executed. */
interface Unanswered {
  readonly lane: number
  readonly number: number
  readonly token: string
  readonly outcomes: readonly TaskOutcome[]
  /** Surplus claims that the step releases. */
  readonly surplus: readonly TaskClaim[]
}

/** The results of such steps. */
interface Recalled {
  readonly claims: readonly TaskClaim[]
  readonly batches: readonly BatchRow[]
}

const NOTHING: Recalled = { claims: [], batches: [] }

/** The steps of one worker in one queue. Each step has a lane, and a lane has one step at a time. */
class Line {
  number = 0
  lanes = 0
  readonly free: number[] = []
  unanswered: Unanswered[] = []
  recalling: Promise<void> | undefined
  recalled: Recalled = NOTHING
  /**
   * Outcomes that such steps have recorded, and whether their claims were lost. The engine sends these
   * outcomes again.
   */
  readonly known = new Map<TaskOutcome, boolean>()

  constructor(
    readonly queue: string,
    readonly owner: string,
  ) {}

  /** Returns a free lane. Steps in different lanes may be executed in any order. */
  enter(): number {
    const lane = this.free.pop()
    if (lane !== undefined) return lane
    this.lanes += 1
    return this.lanes - 1
  }
}

/**
 * Records outcomes and claims tasks. A step whose reply was lost may have been executed. Before the next
 * step, its result is requested; if it was not executed, it never will be. Therefore, every claim has a
 * holder, and the end of every batch is reported.
 */
export class Steps {
  readonly #lines = new Map<string, Line>()

  constructor(private readonly redis: JobsRedis) {}

  /** @throws JobBackendError. */
  async step(
    queue: string,
    reported: readonly TaskOutcome[],
    want: number,
    owner: string,
    leaseMs: number,
  ): Promise<StepResult> {
    const line = this.#line(queue, owner)
    const lease = Math.ceil(leaseMs)
    while (line.unanswered.length > 0) {
      line.recalling ??= this.#recall(line, line.unanswered[0] as Unanswered, lease).finally(() => {
        line.recalling = undefined
      })
      await line.recalling
    }
    const { recalled } = line
    line.recalled = NOTHING
    // The recalled claims may exceed the number of tasks that is wanted now.
    const counting = recalled.claims.slice(0, want)
    const surplus = recalled.claims.slice(want)
    const [plain, rest] = partition(this.#unknown(line, reported))
    const outcomes = [...plain, ...rest, ...surplus.map(released)]
    line.number += 1
    const [number, lane] = [line.number, line.enter()]
    const token = `${owner}:${number}`
    const look = Math.ceil(Math.min(MAX_LOOK_MS, lease / LOOKS))
    const head = [
      queue,
      Date.now(),
      token,
      lease,
      want - counting.length,
      `${owner}.${lane}`,
      number,
      look,
      plain.length,
      outcomes.length,
    ]
    for (const { claim, at } of plain) head.push(claim.id, claim.token, Math.floor(at))
    for (let at = plain.length; at < outcomes.length; at += 1)
      head.push(...argumentsOf(outcomes[at] as TaskOutcome))
    let reply: Reply | null
    try {
      reply = (await this.redis.run('step', ...head)) as Reply | null
    } catch (error) {
      line.unanswered.push({ lane, number, token, outcomes, surplus })
      line.recalled = joined(recalled, line.recalled)
      throw error
    }
    line.free.push(lane)
    if (reply === null) {
      line.recalled = joined(recalled, line.recalled)
      throw new JobBackendError(`Step ${number} of ${owner} came after a later one.`)
    }
    const [claims, lost, batches, nextAt] = reply
    return {
      claims: [...counting, ...claimsOf(queue, token, claims)],
      lost: [
        ...this.#known(line, reported),
        ...lost.map((place) => outcomes[place]?.claim).filter((claim) => claim !== undefined),
      ],
      batches: [...recalled.batches, ...batchRowsOf(batches)],
      ...(nextAt === null ? {} : { nextAt }),
    }
  }

  #line(queue: string, owner: string): Line {
    const key = `${owner} ${queue}`
    let line = this.#lines.get(key)
    if (line === undefined) {
      line = new Line(queue, owner)
      this.#lines.set(key, line)
    }
    return line
  }

  async #recall(line: Line, requested: Unanswered, leaseMs: number): Promise<void> {
    const { lane, number, token, outcomes, surplus } = requested
    const { queue, owner } = line
    const reply = (await this.redis.run(
      'recall',
      queue,
      token,
      leaseMs,
      `${owner}.${lane}`,
      number,
    )) as Reply | null
    line.unanswered = line.unanswered.filter((one) => one !== requested)
    line.free.push(lane)
    if (reply === null) return
    const [claims, lost, batches] = reply
    const reported = outcomes.slice(0, outcomes.length - surplus.length)
    for (const [place, outcome] of reported.entries()) line.known.set(outcome, lost.includes(place))
    line.recalled = {
      claims: [
        ...line.recalled.claims.filter((claim) => !surplus.includes(claim)),
        ...claimsOf(queue, token, claims),
      ],
      batches: [...line.recalled.batches, ...batchRowsOf(batches)],
    }
  }

  #unknown(line: Line, outcomes: readonly TaskOutcome[]): readonly TaskOutcome[] {
    return line.known.size === 0 ? outcomes : outcomes.filter((outcome) => !line.known.has(outcome))
  }

  /** @returns The claims that were lost according to such steps. */
  #known(line: Line, outcomes: readonly TaskOutcome[]): readonly TaskClaim[] {
    if (line.known.size === 0) return []
    const lost = outcomes.filter((outcome) => line.known.get(outcome) === true)
    for (const outcome of outcomes) line.known.delete(outcome)
    return lost.map(({ claim }) => claim)
  }
}

function joined(first: Recalled, then: Recalled): Recalled {
  return { claims: [...first.claims, ...then.claims], batches: [...first.batches, ...then.batches] }
}

function claimsOf(queue: string, token: string, claims: Reply[0]): readonly TaskClaim[] {
  return claims.map((values) => new JobClaim(queue, token, values))
}

/** @returns The `done` outcomes without other fields, and the rest. */
function partition(
  outcomes: readonly TaskOutcome[],
): readonly [plain: readonly TaskOutcome[], rest: readonly TaskOutcome[]] {
  if (outcomes.every(isPlain)) return [outcomes, []]
  return [outcomes.filter(isPlain), outcomes.filter((outcome) => !isPlain(outcome))]
}

function isPlain({ kind, claim, data, failure }: TaskOutcome): boolean {
  return kind === 'done' && claim.batchId === null && data === null && failure === null
}

function argumentsOf(outcome: TaskOutcome): (string | number)[] {
  const { claim, kind, at, runAt, isStored, doneItems, failedItems, data, failure } = outcome
  const failures = failure === null ? undefined : [...failuresOf(claim), failure].slice(-MAX_FAILURES)
  return [
    claim.id,
    claim.token,
    kind,
    Math.floor(at),
    runAt,
    isStored ? 1 : 0,
    doneItems,
    failedItems,
    data ?? '',
    failure?.message ?? '',

    failures === undefined ? '' : JSON.stringify(failures),
    failures === undefined ? '' : JSON.stringify(failures.map(({ message, stack }) => stack ?? message)),
    claim.settings.maxRetries + 1,
    claim.batchId ?? '',
  ]
}

function failuresOf(claim: TaskClaim): readonly TaskFailure[] {
  const { failures } = claim as JobClaim
  return failures === undefined ? [] : (JSON.parse(failures) as TaskFailure[])
}

function released(claim: TaskClaim): TaskOutcome {
  const now = Date.now()
  return {
    claim,
    kind: 'release',
    at: now,
    runAt: now,
    failure: null,
    isStored: false,
    doneItems: 0,
    failedItems: 0,
    data: null,
  }
}

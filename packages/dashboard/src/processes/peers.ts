import { SluiceError } from '@sluice/core'
import { errorMessage, isInstance, type ProcessLink, timeoutSignal } from '@sluice/core/siblings'
import { Refusal } from '../http/responses.ts'
import type { SessionQuestion } from '../http/sessions.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import type { RequestSummary } from '../protocol/request.ts'
import { schemaVersion } from '../protocol/stream.ts'
import type { RouteFigures } from '../recorder/route-stats.ts'
import type { SecondFigures } from '../recorder/second-log.ts'
import type { FactsQuery, ProcessFacts } from './process-facts.ts'

/** Questions between processes. */
export type Question =
  | ({ readonly kind: 'facts' } & FactsQuery)
  /** The data of a path below `api/`. `search` is the query string without its question mark. */
  | { readonly kind: 'page'; readonly path: string; readonly search: string }
  | {
      readonly kind: 'act'
      readonly name: ActionName
      readonly body: Readonly<Record<string, unknown>>
      readonly actor: string
    }
  | { readonly kind: 'session'; readonly about: SessionQuestion }

/** The response to a question. `value` is absent if the page does not exist. */
export type Answer = { readonly value?: unknown } | ErrorBody

/** The parts of a process that respond to questions. */
interface AnswerParts {
  readonly facts: (query: FactsQuery) => Promise<ProcessFacts>
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  readonly isAction: (name: string) => name is ActionName
  /** Responds for the sessions of this process; 0 if it has none. */
  readonly session: (question: SessionQuestion) => number
  /** Whether actions are enabled in this process. */
  readonly hasActions: boolean
}

/** Responds to a question of another process. Never rejects. */
export async function answerQuestion(text: string, parts: AnswerParts): Promise<string> {
  return JSON.stringify(await answer(text, parts).catch(errorOf))
}

async function answer(
  text: string,
  { facts, page, act, session, isAction, hasActions }: AnswerParts,
): Promise<Answer> {
  const { version, ...question } = JSON.parse(text) as Question & { readonly version: number }
  // Data of another version can have a different meaning.
  if (version !== schemaVersion)
    throw new Refusal('NOT_FOUND', 'The other process has a different version of the dashboard.')
  if (question.kind === 'facts') return { value: await facts(question) }
  if (question.kind === 'page') return (await page(question.path, new URLSearchParams(question.search))) ?? {}
  if (question.kind === 'session') return { value: session(question.about) }
  if (question.kind !== 'act' || !isAction(question.name))
    throw new Refusal('NOT_FOUND', 'Unknown question in this version of the dashboard.')
  if (!hasActions)
    throw new Refusal('READ_ONLY', 'This dashboard is read-only, because its option `actions` is false.')
  return { value: await act(question.name, question.body, question.actor) }
}

function errorOf(error: unknown): Answer {
  const message = isInstance(error, Error) ? errorMessage(error) : 'Request failed.'
  return {
    error: {
      code: isInstance(error, SluiceError) || isInstance(error, Refusal) ? error.code : 'FAILED',
      message,
    },
  }
}

/** Timeout for the data of a process. A slower process is omitted. */
const FACTS_MS = 1_000
const PAGE_MS = 3_000
/** Shorter timeout for a process that did not respond before. */
const HUNG_MS = 250
export const ACT_MS = 15_000
/** Cache lifetime of the data of a process. */
const FRESH_MS = 800
/** Number of missed responses after which a process counts as not responding. */
const SILENT = 2
/** Interval at which all routes are requested, because a route may have been evicted. */
const FULL_MS = 30_000

export interface PeersParts {
  readonly link: ProcessLink
  /** The ID of this process. */
  readonly self: string
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /**
   * Called with requests that finished in another process, newest first. `count` is their total number.
   * `isFirst` is set for the first data of that process.
   */
  readonly onRequests: (requests: readonly RequestSummary[], count: number, isFirst: boolean) => void
  readonly onError: (error: unknown) => void
}

interface Peer {
  facts: ProcessFacts | undefined
  routes: Map<string, RouteFigures>
  seconds: readonly SecondFigures[]
  fullAt: number
  /** Number of consecutive unanswered questions. */
  failures: number
}

/** A response of another process. */
export interface PeerReply {
  readonly process: string
  readonly answer: Answer
}

/** The other processes of the app that respond. */
export class Peers {
  readonly #parts: PeersParts
  readonly #peers = new Map<string, Peer>()
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | undefined
  #isClosed = false
  #isFailing = false

  constructor(parts: PeersParts) {
    this.#parts = parts
  }

  /** Processes that responded recently. */
  get facts(): readonly ProcessFacts[] {
    return [...this.#peers.values()].flatMap(({ facts, routes, seconds, failures }) =>
      facts === undefined || failures >= SILENT ? [] : [{ ...facts, routes: [...routes.values()], seconds }],
    )
  }

  /** Processes that responded before, but not recently. */
  get silent(): readonly ProcessFacts[] {
    return [...this.#peers.values()].flatMap(({ facts, failures }) =>
      facts === undefined || failures < SILENT ? [] : [facts],
    )
  }

  /** Asks all processes for their data, unless it is fresh. Never rejects. */
  refresh(): Promise<void> {
    if (this.#isClosed || this.#parts.now() - this.#refreshedAt < FRESH_MS)
      return this.#refreshing ?? Promise.resolve()
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshedAt = this.#parts.now()
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Asks all processes and returns the responses that arrive in time. Never rejects. */
  async queryAll(
    question: Question,
    timeoutMs: number = question.kind === 'act' ? ACT_MS : PAGE_MS,
  ): Promise<readonly PeerReply[]> {
    const others = await this.others()
    const patience = (process: string) =>
      (this.#peers.get(process)?.failures ?? 0) < SILENT ? timeoutMs : Math.min(timeoutMs, HUNG_MS)
    const answers = await Promise.all(
      others.map((process) => this.query(process, question, patience(process))),
    )
    return answers.flatMap((answer, at) =>
      answer === undefined ? [] : [{ process: others[at] as string, answer }],
    )
  }

  /** @returns `undefined` without a response in time. Never rejects. */
  async query(process: string, question: Question, timeoutMs: number): Promise<Answer | undefined> {
    try {
      const text = JSON.stringify({ version: schemaVersion, ...question })
      return JSON.parse(await this.#parts.link.request(process, text, timeoutSignal(timeoutMs))) as Answer
    } catch {
      // The process may have just ended, which is not an error of this process.
      return undefined
    }
  }

  /** IDs of the processes that the link finds; empty if the link fails. Never rejects. */
  async others(): Promise<readonly string[]> {
    return (await this.#found()) ?? []
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#peers.clear()
    return this.#parts.link.close()
  }

  /** @returns `undefined` if the link fails, because the processes are then unknown. */
  async #found(): Promise<readonly string[] | undefined> {
    if (this.#isClosed) return undefined
    try {
      const others = await this.#parts.link.others()
      this.#isFailing = false
      return others
    } catch (error) {
      // The link is used every second, so report each outage only once.
      if (!this.#isFailing) this.#parts.onError(error)
      this.#isFailing = true
      return undefined
    }
  }

  async #refresh(): Promise<void> {
    const others = await this.#found()
    if (others === undefined) {
      // The processes may still be running: show them as not responding until the link recovers.
      for (const peer of this.#peers.values()) peer.failures += 1
      return
    }
    for (const process of this.#peers.keys()) if (!others.includes(process)) this.#peers.delete(process)
    await Promise.all(others.map((process) => this.#look(process)))
  }

  async #look(process: string): Promise<void> {
    const now = this.#parts.now()
    const known = this.#peers.get(process)
    const isFull = known?.facts === undefined || now - known.fullAt >= FULL_MS
    const question = {
      kind: 'facts',
      since: known?.facts?.last ?? 0,
      sinceAt: isFull ? 0 : (known?.facts?.at ?? 0),
    } as const
    const answer = await this.query(process, question, FACTS_MS)
    if (this.#isClosed) return
    const facts = answer === undefined || !('value' in answer) ? undefined : (answer.value as ProcessFacts)
    if (facts === undefined) {
      if (known !== undefined) known.failures += 1
      return
    }
    const routes = isFull ? new Map<string, RouteFigures>() : known.routes
    for (const figures of facts.routes) routes.set(figures.name, figures)
    const seconds = isFull ? facts.seconds : newSeconds(known.seconds, facts)
    this.#peers.set(process, { facts, routes, seconds, fullAt: isFull ? now : known.fullAt, failures: 0 })
    if (facts.count > 0) this.#parts.onRequests(facts.requests, facts.count, known?.facts === undefined)
  }
}

/** Adds the seconds of new data to the known ones. Old ones are removed with the next full data. */
function newSeconds(
  known: readonly SecondFigures[],
  { at: now, seconds }: ProcessFacts,
): readonly SecondFigures[] {
  const from = seconds[0]?.at ?? now
  return [...known.filter(({ at }) => at < from), ...seconds]
}

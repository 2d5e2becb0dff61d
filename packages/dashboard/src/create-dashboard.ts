import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sluice } from '@sluice/core'
import { hostOf, requireAuthorize } from '@sluice/core/siblings'
import { type ActionParts, isActionName, performAction } from './actions/perform-action.ts'
import {
  type DashboardOptions,
  type ResolvedDashboardOptions,
  resolveDashboardOptions,
} from './dashboard-options.ts'
import { Assets } from './http/assets.ts'
import { Gate } from './http/gate.ts'
import { type FastifyLike, fastifyPlugin, nextOrigin } from './http/mounting.ts'
import { RequestHandler } from './http/request-handler.ts'
import { type SessionQuestion, Sessions } from './http/sessions.ts'
import { JobFacts } from './pages/job-facts.ts'
import { pageOf } from './pages/page-of.ts'
import { YieldFacts } from './pages/yield-facts.ts'
import { joinedProcesses, type Processes } from './processes/joined-processes.ts'
import { appName, processIdentity } from './processes/process-identity.ts'
import { RequestRecorder } from './recorder/request-recorder.ts'
import { LiveData } from './stream/live-data.ts'
import { StreamHub } from './stream/stream-hub.ts'

/** Length of the process ID prefix in request IDs. */
const ID_PREFIX = 4
/** Time after startup in which an HTTP server must listen for the printed URL to contain its address. */
const LISTEN_MS = 5_000
const NEXT = 'The dashboard key was used. URL for the next browser'

/** The dashboard page of a Sluice instance, and its API. */
export interface Dashboard {
  /**
   * Handler for `node:http`, Express and similar frameworks. Requests outside its path go to `next`, or get a
   * 404 response without `next`.
   */
  readonly handler: (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ) => void
  /** Plugin for Fastify: `app.register(dashboard.fastify, { prefix: '/_sluice' })`. */
  readonly fastify: (app: FastifyLike) => Promise<void>
  /**
   * URL of the dashboard: only its path until an HTTP server of the process listens. Without `authorize`, it
   * contains a key that allows one browser on another machine. A used key is replaced by a new one.
   */
  readonly url: string
  /**
   * Stops recording, deletes the stored requests, ends all streams, and disconnects from other processes.
   * Idempotent. Never rejects.
   */
  close(): Promise<void>
}

/**
 * Creates a dashboard. From this call on, it stores the last requests of the Sluice instance in bounded
 * memory.
 *
 * Access: in development without `authorize`, requests from this machine to this machine, and browsers with
 * the printed URL. With `authorize`, which is required in production, requests that it allows.
 *
 * @throws AuthorizeRequiredError in production without `authorize`; InvalidOptionError; InvalidArgumentError
 * if `sluice` is not a Sluice instance.
 * @example
 * ```ts
 * import { createDashboard } from '@sluice/dashboard'
 *
 * const dashboard = createDashboard(sluice)
 * app.use('/_sluice', dashboard.handler)
 * ```
 */
export function createDashboard(sluice: Sluice, options: DashboardOptions = {}): Dashboard {
  const resolved = resolveDashboardOptions(options)
  requireAuthorize('A dashboard', resolved.authorize)
  return new SluiceDashboard(sluice, resolved)
}

/** A dashboard whose options were checked. */
export class SluiceDashboard implements Dashboard {
  readonly #options: ResolvedDashboardOptions
  readonly #recorder: RequestRecorder
  readonly #hub: StreamHub
  readonly #sessions: Sessions | undefined
  readonly #handler: RequestHandler
  readonly #processes: Processes
  readonly #stopWaiting: () => void
  #origin: string
  /** The path at which the app mounted the dashboard, as far as it is known. */
  #path: string
  #analyzedAt: number | null = null
  #isClosed = false

  constructor(sluice: Sluice, options: ResolvedDashboardOptions) {
    this.#options = options
    this.#origin = options.origin
    this.#path = options.path
    const host = hostOf(sluice)
    const { maxBytes, showParameters, maxStreams, maxBodyBytes, processes } = options
    const info = processIdentity(options.name ?? appName())
    this.#recorder = new RequestRecorder(sluice, {
      maxBytes,
      showParameters,
      idPrefix: info.id.slice(0, ID_PREFIX),
    })
    const recorder = this.#recorder
    const muted = new Set<string>()
    const jobs = new JobFacts(sluice)
    const yields = new YieldFacts(sluice)
    const parts = { sluice, recorder, muted, showParameters, process: info, jobs, yields }
    const own = new LiveData(parts)
    const onError = (error: unknown) => host.reportError(error)
    const now = () => host.now()
    const onAnalyzed = () => {
      this.#analyzedAt = Date.now()
    }
    const actionParts: ActionParts = { sluice, recorder, muted, showParameters, onAnalyzed }
    const alone: Processes = {
      live: own,
      refresh: () => Promise.resolve(),
      page: (path, query) => pageOf(path, query, { ...parts, live: own, analyzedAt: this.#analyzedAt }),
      act: (name, body, actor) => performAction(name, actionParts, body, actor),
      querySessions: async () => 0,
      close: () => Promise.resolve(),
    }
    this.#processes =
      processes === undefined
        ? alone
        : joinedProcesses({
            alone,
            own,
            link: processes,
            self: info.id,
            now,
            onError,
            hasActions: options.actions,
            session: (question) => this.#answerSession(question),
            hasSharedJobs: sluice.jobs?.isShared ?? false,
          })
    const { live, page, act, refresh, querySessions } = this.#processes
    this.#hub = new StreamHub({ source: live, process: info.id, maxStreams, now, onError })
    this.#sessions = options.authorize === undefined ? new Sessions(Date.now, querySessions) : undefined
    this.#handler = new RequestHandler({
      host,
      maxBodyBytes,
      showParameters,
      sessions: this.#sessions,
      assets: new Assets(),
      gate: new Gate({ options, sessions: this.#sessions, host }),
      onKeyUsed: () => this.#announce(NEXT),
      endpoints: {
        page,
        act,
        isAction: isActionName,
        stream: async (request, response, rights) => {
          await refresh()
          if (!response.destroyed && !this.#isClosed) this.#hub.open(request, response, rights)
        },
        firstView: async (rights) => {
          await refresh()
          return this.#hub.firstView(rights)
        },
      },
    })
    this.#stopWaiting = this.#start()
  }

  readonly handler = (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): void => {
    if (this.#answer(request, response, this.#options.path)) return
    if (next !== undefined) {
      next()
      return
    }
    response.statusCode = 404
    response.end()
  }

  readonly fastify: (app: FastifyLike) => Promise<void> = (app) =>
    fastifyPlugin(
      this.#options.path,
      (request, response, base) => this.#answer(request, response, base),
      (base) => {
        this.#path = base
      },
    )(app)

  get url(): string {
    return `${this.#origin}${this.#path}/${this.#sessions === undefined ? '' : `?key=${this.#sessions.key}`}`
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopWaiting()
    this.#hub.close()
    this.#recorder.close()
    this.#sessions?.clear()
    await this.#processes.close()
  }

  /** Prints the URL, as soon as the address of the app is known. */
  #start(): () => void {
    const start = (origin: string) => {
      this.#origin = origin
      this.#announce('Dashboard')
    }
    if (this.#origin === '' && this.#isAnnounced) return nextOrigin((origin = '') => start(origin), LISTEN_MS)
    start(this.#origin)
    return () => {}
  }

  /** @returns Whether the request belongs to the dashboard. */
  #answer(request: IncomingMessage, response: ServerResponse, base: string): boolean {
    return !this.#isClosed && this.#handler.handle(request, response, base)
  }

  #answerSession(question: SessionQuestion): number {
    const answer = this.#sessions?.answer(question) ?? 0
    if ('key' in question && answer !== 0) this.#announce(NEXT)
    return answer
  }

  get #isAnnounced(): boolean {
    return this.#options.announce !== false && this.#sessions !== undefined
  }

  #announce(what: string): void {
    const { announce } = this.#options
    if (!this.#isAnnounced || announce === false) return
    const text = `${what}: ${this.url}`
    if (announce !== undefined) announce(text)
    else process.stderr.write(`▲ ${text}\n`)
  }
}

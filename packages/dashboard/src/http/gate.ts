import type { IncomingMessage } from 'node:http'
import type { AdapterHost } from '@sluice/core/siblings'
import type { ResolvedDashboardOptions } from '../dashboard-options.ts'
import { isLoopback } from './loopback.ts'
import { Refusal } from './refusal.ts'
import type { Sessions } from './sessions.ts'

export interface GateParts {
  readonly options: Pick<ResolvedDashboardOptions, 'authorize' | 'actions'>
  readonly sessions: Sessions | undefined
  readonly host: Pick<AdapterHost, 'reportError'>
}

/** Says who may do what. */
export class Gate {
  constructor(private readonly parts: GateParts) {}

  /** @throws Refusal */
  async check(request: IncomingMessage, what: 'read' | 'act'): Promise<void> {
    const { options, sessions } = this.parts
    if (what === 'act' && !options.actions) throw new Refusal('READ_ONLY', 'This dashboard only shows: its option `actions` is false.')
    if (options.authorize !== undefined) {
      if (await this.#authorized(options.authorize, request, what)) return
      throw new Refusal('FORBIDDEN', `\`authorize\` says no to "${what}".`)
    }
    if (isLoopback(request) || (await sessions?.has(request)) === true) return
    throw new Refusal('NOT_TRUSTED', 'Open the URL that the app printed when it started: it lets a browser in, once.')
  }

  /** Whether it may be done, and if not, why. */
  async rights(request: IncomingMessage): Promise<{ readonly act: boolean; readonly reason: string | null }> {
    try {
      await this.check(request, 'act')
      return { act: true, reason: null }
    } catch (error) {
      return { act: false, reason: error instanceof Refusal ? error.message : 'It cannot be told who asks.' }
    }
  }

  /** What throws says no, and so does what is not `true`. */
  async #authorized(
    authorize: NonNullable<ResolvedDashboardOptions['authorize']>,
    request: IncomingMessage,
    what: 'read' | 'act',
  ): Promise<boolean> {
    try {
      return (await authorize(request, what)) === true
    } catch (error) {
      this.parts.host.reportError(error)
      return false
    }
  }
}

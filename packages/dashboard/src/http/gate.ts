import type { IncomingMessage } from 'node:http'
import { type AdapterHost, isAllowed, isLocalRequest } from '@sluice/core/siblings'
import type { ResolvedDashboardOptions } from '../dashboard-options.ts'
import { Refusal } from './refusal.ts'
import type { Sessions } from './sessions.ts'

const UNKNOWN_ACTOR = 'dashboard'

interface GateParts {
  readonly options: Pick<ResolvedDashboardOptions, 'authorize' | 'actor' | 'actions'>
  readonly sessions: Sessions | undefined
  readonly host: Pick<AdapterHost, 'reportError'>
}

/** Says who may do what. */
export class Gate {
  constructor(private readonly parts: GateParts) {}

  /** @throws Refusal */
  async check(request: IncomingMessage, what: 'read' | 'act'): Promise<void> {
    const { options, sessions, host } = this.parts
    if (what === 'act' && !options.actions) throw new Refusal('READ_ONLY', 'This dashboard only shows: its option `actions` is false.')
    if (options.authorize !== undefined) {
      const { authorize } = options
      if (
        await isAllowed(
          () => authorize(request, what),
          (error) => host.reportError(error),
        )
      )
        return
      throw new Refusal('FORBIDDEN', `\`authorize\` says no to "${what}".`)
    }
    if (isLocalRequest(request) || (await sessions?.has(request)) === true) return
    throw new Refusal('NOT_TRUSTED', 'Open the URL that the app printed when it started: it lets a browser in, once.')
  }

  /** Who acts. @throws Refusal if the app cannot tell: an action without its actor must not pass the job engine's `authorize`. */
  actor(request: IncomingMessage): string {
    const { options, host } = this.parts
    if (options.actor === undefined) return UNKNOWN_ACTOR
    try {
      const actor = options.actor(request)
      if (typeof actor === 'string' && actor !== '') return actor
    } catch (error) {
      host.reportError(error)
    }
    throw new Refusal('FORBIDDEN', '`actor` does not say who acts.')
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
}

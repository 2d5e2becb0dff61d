import type { IncomingMessage } from 'node:http'
import { type AdapterHost, isAllowed, isInstance, isLocalRequest } from '@sluice/core/siblings'
import type { ResolvedDashboardOptions } from '../dashboard-options.ts'
import { Refusal } from './refusal.ts'
import type { Sessions } from './sessions.ts'

const UNKNOWN_ACTOR = 'dashboard'

interface GateParts {
  readonly options: Pick<ResolvedDashboardOptions, 'authorize' | 'actor' | 'actions'>
  readonly sessions: Sessions | undefined
  readonly host: Pick<AdapterHost, 'reportError'>
}

/** Decides on access to the dashboard. */
export class Gate {
  constructor(private readonly parts: GateParts) {}

  /** @throws Refusal */
  async check(request: IncomingMessage, what: 'read' | 'act'): Promise<void> {
    const { options, sessions, host } = this.parts
    if (what === 'act' && !options.actions)
      throw new Refusal('READ_ONLY', 'This dashboard is read-only, because its option `actions` is false.')
    if (options.authorize !== undefined) {
      const { authorize } = options
      if (
        await isAllowed(
          () => authorize(request, what),
          (error) => host.reportError(error),
        )
      )
        return
      throw new Refusal('FORBIDDEN', `\`authorize\` denied "${what}".`)
    }
    if (isLocalRequest(request) || (await sessions?.has(request)) === true) return
    throw new Refusal(
      'NOT_TRUSTED',
      'Access denied. Open the URL that the app printed at startup. It allows one browser.',
    )
  }

  /**
   * Returns the user of an action.
   *
   * @throws Refusal without a user: an action without an actor must not reach `authorize` of the job engine.
   */
  actor(request: IncomingMessage): string {
    const { options, host } = this.parts
    if (options.actor === undefined) return UNKNOWN_ACTOR
    try {
      const actor = options.actor(request)
      if (typeof actor === 'string' && actor !== '') return actor
    } catch (error) {
      host.reportError(error)
    }
    throw new Refusal('FORBIDDEN', 'Not authorized: `actor` returned no name. Return a non-empty string.')
  }

  /** Whether actions are allowed, and the reason if not. */
  async rights(request: IncomingMessage): Promise<{ readonly act: boolean; readonly reason: string | null }> {
    try {
      await this.check(request, 'act')
      return { act: true, reason: null }
    } catch (error) {
      return {
        act: false,
        reason: isInstance(error, Refusal) ? error.message : 'The user could not be determined.',
      }
    }
  }
}

import type { IncomingMessage } from 'node:http'
import { isAllowed, isInstance, isLocalRequest, type SluiceHost } from '@sluice/core/siblings'
import type { ResolvedDashboardOptions } from '../dashboard-options.ts'
import { actionHeader } from '../protocol/action.ts'
import { Refusal } from './responses.ts'
import type { Sessions } from './sessions.ts'

const UNKNOWN_ACTOR = 'dashboard'

interface GateParts {
  readonly options: Pick<ResolvedDashboardOptions, 'authorize' | 'actor' | 'actions'>
  readonly sessions: Sessions | undefined
  readonly host: Pick<SluiceHost, 'reportError'>
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

/**
 * Rejects reads by pages of other sites. A page cannot forge the header that a browser sends for this.
 * @throws Refusal
 */
export function checkReader(request: IncomingMessage): void {
  if (!isFromElsewhere(request)) return
  throw new Refusal('CROSS_SITE', 'Requests from pages of other sites are not allowed.')
}

/** Whether the browser reports that a page of another site sent the request or linked here. */
export function isFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/**
 * Checks that a page of the same origin sent the action: `Sec-Fetch-Site` is `same-origin`, or without that
 * header, `Origin` equals `Host`. The action must also have a header that forms and links cannot set.
 *
 * @throws Refusal
 */
export function checkActor({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site']
  const isSame = site === undefined ? isOwnOrigin(headers.origin, headers.host) : site === 'same-origin'
  if (!isSame)
    throw new Refusal(
      'CROSS_SITE',
      'An action must come from the page itself: `Sec-Fetch-Site: same-origin`, or an `Origin` that equals the `Host`.',
    )
  if (headers[actionHeader] === undefined)
    throw new Refusal('CROSS_SITE', `Missing header ${actionHeader}. An action requires it, with any value.`)
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json')
    throw new Refusal('MEDIA_TYPE', 'Actions require the content type application/json.')
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  // The default port can be present on one side only.
  const expected = URL.canParse(`${url.protocol}//${host}`)
    ? new URL(`${url.protocol}//${host}`).host
    : undefined
  return url.host === expected
}

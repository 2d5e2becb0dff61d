import type { IncomingMessage, ServerResponse } from 'node:http'
import { SluiceError } from '@sluice/core'
import { errorMessage, isInstance, type SluiceHost } from '@sluice/core/siblings'
import { readBody } from '../actions/action-body.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import type { FirstView, Rights } from '../protocol/stream.ts'
import type { Assets } from './assets.ts'
import { checkActor, checkReader, type Gate, isFromElsewhere } from './gate.ts'
import { type MountedPath, mountedPath } from './mounting.ts'
import {
  isOpened,
  Refusal,
  sendJson,
  sendRefusalPage,
  sendText,
  setSecurityHeaders,
  withFirstView,
} from './responses.ts'
import type { Sessions } from './sessions.ts'

/** The functions behind the paths. */
interface Endpoints {
  /** Returns the page of a path below `api/`; `undefined` if it does not exist. */
  page(path: string, query: URLSearchParams): Promise<{ readonly value: unknown } | undefined>
  isAction(name: string): name is ActionName
  act(name: ActionName, body: Readonly<Record<string, unknown>>, actor: string): Promise<unknown>
  stream(request: IncomingMessage, response: ServerResponse, rights: Rights): Promise<void>
  /** The snapshot from which the next stream of the browser continues. */
  firstView(rights: Rights): Promise<FirstView>
}

export interface HandlerParts {
  readonly endpoints: Endpoints
  readonly gate: Gate
  readonly sessions: Sessions | undefined
  readonly assets: Assets
  readonly host: Pick<SluiceHost, 'reportError' | 'scopes'>
  readonly maxBodyBytes: number
  readonly showParameters: boolean
  /** Called when a browser has used the key in the URL. */
  readonly onKeyUsed: () => void
}

/** Handles all requests below the path of the dashboard. */
export class RequestHandler {
  constructor(private readonly parts: HandlerParts) {}

  /** @returns Whether the request is for the dashboard, which then responds to it. */
  handle(request: IncomingMessage, response: ServerResponse, base: string): boolean {
    const place = mountedPath(request, base)
    if (place === undefined) return false
    // Requests to the dashboard must not count as requests of the app, and a long stream must not count as
    // slow.
    const scope = this.parts.host.scopes.entered
    if (scope !== undefined) scope.isOwn = true
    setSecurityHeaders(response)
    this.parts.host.scopes.leave(() => {
      this.#answer(request, response, place).catch((error: unknown) => this.#refuse(request, response, error))
    })
    return true
  }

  async #answer(request: IncomingMessage, response: ServerResponse, place: MountedPath): Promise<void> {
    const { path, query } = place
    if (path.startsWith('/api/')) await this.#answerApi(request, response, path.slice('/api/'.length), query)
    else await this.#answerPage(request, response, place)
  }

  async #answerPage(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query, base }: MountedPath,
  ): Promise<void> {
    const { gate, assets, sessions } = this.parts
    allow(request, response, 'GET', 'HEAD')
    const key = query.get('key')
    if (key !== null && sessions !== undefined) {
      const cookie = await sessions.exchange(key, base === '' ? '/' : base, isSecure(request))
      if (cookie !== undefined) {
        response.setHeader('Set-Cookie', cookie)
        this.parts.onKeyUsed()
        // Remove the key from the URL.
        return redirect(response, 303, folderFrom(path, base))
      }
    }
    await gate.check(request, 'read')
    // URLs in the page are relative to its folder.
    if (path === '') return redirect(response, 308, folderFrom(path, base))
    const shortcut = /^\/r\/([\w-]{1,40})$/.exec(path)
    if (shortcut !== null) return redirect(response, 302, `../#/requests/${shortcut[1]}`)
    if (path === '/' && !isFromElsewhere(request)) {
      const html = await this.#document(request)
      if (html !== undefined)
        return await sendText(response, {
          status: 200,
          type: 'text/html; charset=utf-8',
          text: html,
          encodings: request.headers['accept-encoding'],
        })
    }
    if (assets.send(path.slice(1), request, response)) return
    const reason =
      path === '/' ? 'Only the API is available, because the page was not built.' : 'Page not found.'
    throw new Refusal('NOT_FOUND', reason)
  }

  async #answerApi(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const { endpoints, gate, maxBodyBytes } = this.parts
    if (path.startsWith('actions/')) {
      allow(request, response, 'POST')
      checkActor(request)
      await gate.check(request, 'act')
      const name = path.slice('actions/'.length)
      if (!endpoints.isAction(name)) throw new Refusal('NOT_FOUND', 'Unknown action.')
      const body = await readBody(request, maxBodyBytes)
      return await sendJson(response, 200, await endpoints.act(name, body, gate.actor(request)))
    }
    allow(request, response, 'GET', 'HEAD')
    checkReader(request)
    await gate.check(request, 'read')
    if (path === 'stream') {
      const rights = await this.#rights(request)
      if (response.destroyed) return
      if (request.method === 'HEAD') throw new Refusal('METHOD', 'A stream requires GET.')
      return await endpoints.stream(request, response, rights)
    }
    const page = await endpoints.page(path, query)
    if (page === undefined) throw new Refusal('NOT_FOUND', 'Not found, or no longer stored.')
    await sendJson(response, 200, page.value, request.headers['accept-encoding'])
  }

  /**
   * The document with the first view; `undefined` if it could not be included, so that the page must request
   * it.
   */
  async #document(request: IncomingMessage): Promise<string | undefined> {
    const { endpoints, assets, host } = this.parts
    const html = assets.document
    if (html === undefined) return undefined
    try {
      return withFirstView(html, await endpoints.firstView(await this.#rights(request)))
    } catch (error) {
      host.reportError(error)
      return undefined
    }
  }

  async #rights(request: IncomingMessage): Promise<Rights> {
    const { gate, showParameters } = this.parts
    return { ...(await gate.rights(request)), parameters: showParameters }
  }

  /** Responds with the error. Never affects other requests. */
  async #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    try {
      const refusal = refusalOf(error)
      if (refusal.code === 'FAILED' && !isInstance(error, SluiceError)) this.parts.host.reportError(error)
      if (response.headersSent || response.destroyed) {
        response.destroy()
        return
      }
      if (isOpened(request)) return sendRefusalPage(response, refusal)
      const code = isInstance(error, SluiceError) ? error.code : refusal.code
      const body: ErrorBody = { error: { code, message: refusal.message } }
      // The rest of the body is not read, so the connection cannot be reused.
      if (!request.complete && request.method === 'POST') response.setHeader('Connection', 'close')
      await sendJson(response, refusal.status, body)
    } catch (failure) {
      this.parts.host.reportError(failure)
      response.destroy()
    }
  }
}

function refusalOf(error: unknown): Refusal {
  if (isInstance(error, Refusal)) return error
  // Messages of Sluice errors contain no values of the app, so they can be shown.
  if (isInstance(error, SluiceError))
    return new Refusal(error.code === 'SLUICE_NOT_AUTHORIZED' ? 'FORBIDDEN' : 'FAILED', errorMessage(error))
  return new Refusal(
    'FAILED',
    isInstance(error, Error) ? `Request failed: ${errorMessage(error)}` : 'Request failed.',
  )
}

function allow(request: IncomingMessage, response: ServerResponse, ...methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return
  response.setHeader('Allow', methods.join(', '))
  throw new Refusal('METHOD', `This path requires ${methods.join(' or ')}.`)
}

/** Relative, because a proxy in front of the app can use a different path. */
function folderFrom(path: string, base: string): string {
  return path === '' ? `./${encodeURI(decodeURI(base.slice(base.lastIndexOf('/') + 1)))}/` : './'
}

function redirect(response: ServerResponse, status: number, location: string): void {
  response.statusCode = status
  response.setHeader('Location', location)
  response.end()
}

function isSecure(request: IncomingMessage): boolean {
  const isEncrypted = (request.socket as { readonly encrypted?: boolean }).encrypted === true
  // A client that forges this header only affects its own cookie.
  return (
    isEncrypted ||
    String(request.headers['x-forwarded-proto'] ?? '')
      .split(',')[0]
      ?.trim() === 'https'
  )
}

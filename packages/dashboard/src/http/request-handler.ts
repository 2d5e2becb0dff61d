import type { IncomingMessage, ServerResponse } from 'node:http'
import { SluiceError } from '@sluice/core'
import type { AdapterHost } from '@sluice/core/siblings'
import { errorMessage } from '@sluice/core/siblings'
import { readBody } from '../actions/action-body.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import type { FirstView, Rights } from '../protocol/stream.ts'
import type { Assets } from './assets.ts'
import type { Gate } from './gate.ts'
import { type MountedPath, mountedPath } from './mounting.ts'
import { Refusal } from './refusal.ts'
import { isOpened, sendJson, sendRefusalPage, sendText, setSecurityHeaders, withFirstView } from './responses.ts'
import { checkActor, checkReader, isFromElsewhere } from './same-site.ts'
import type { Sessions } from './sessions.ts'

/** What is behind the paths. */
interface Endpoints {
  /** The page of a path below `api/`; `undefined`: there is none. */
  page(path: string, query: URLSearchParams): Promise<{ readonly value: unknown } | undefined>
  isAction(name: string): name is ActionName
  act(name: ActionName, body: Readonly<Record<string, unknown>>, actor: string): Promise<unknown>
  stream(request: IncomingMessage, response: ServerResponse, rights: Rights): Promise<void>
  /** What a stream that is opened next goes on from. */
  firstView(rights: Rights): Promise<FirstView>
}

export interface HandlerParts {
  readonly endpoints: Endpoints
  readonly gate: Gate
  readonly sessions: Sessions | undefined
  readonly assets: Assets
  readonly host: Pick<AdapterHost, 'reportError' | 'scopes'>
  readonly maxBodyBytes: number
  readonly showParameters: boolean
  /** The URL that lets a browser in was used. */
  readonly onKeyUsed: () => void
}

/** Answers what is asked below a path. */
export class RequestHandler {
  constructor(private readonly parts: HandlerParts) {}

  /** @returns Whether it is the dashboard's: then it is answered. */
  handle(request: IncomingMessage, response: ServerResponse, base: string): boolean {
    const place = mountedPath(request, base)
    if (place === undefined) return false
    // What looks at the app is none of its requests, and a stream of hours no slow one.
    const scope = this.parts.host.scopes.current()
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

  async #answerPage(request: IncomingMessage, response: ServerResponse, { path, query, base }: MountedPath): Promise<void> {
    const { gate, assets, sessions } = this.parts
    allow(request, response, 'GET', 'HEAD')
    const key = query.get('key')
    if (key !== null && sessions !== undefined) {
      const cookie = await sessions.exchange(key, base === '' ? '/' : base, isSecure(request))
      if (cookie !== undefined) {
        response.setHeader('Set-Cookie', cookie)
        this.parts.onKeyUsed()
        // The key is not to stay in the address.
        return redirect(response, 303, folderFrom(path, base))
      }
    }
    await gate.check(request, 'read')
    // Addresses in the page are relative to its folder.
    if (path === '') return redirect(response, 308, folderFrom(path, base))
    const shortcut = /^\/r\/([\w-]{1,40})$/.exec(path)
    if (shortcut !== null) return redirect(response, 302, `../#/requests/${shortcut[1]}`)
    if (path === '/' && !isFromElsewhere(request)) {
      const html = await this.#document(request)
      if (html !== undefined)
        return await sendText(response, {
          ...{ status: 200, type: 'text/html; charset=utf-8', text: html },
          encodings: request.headers['accept-encoding'],
        })
    }
    if (assets.send(path.slice(1), request, response)) return
    const reason = path === '/' ? 'The page was not built: only the API is there.' : 'There is no such page.'
    throw new Refusal('NOT_FOUND', reason)
  }

  async #answerApi(request: IncomingMessage, response: ServerResponse, path: string, query: URLSearchParams): Promise<void> {
    const { endpoints, gate, maxBodyBytes } = this.parts
    if (path.startsWith('actions/')) {
      allow(request, response, 'POST')
      checkActor(request)
      await gate.check(request, 'act')
      const name = path.slice('actions/'.length)
      if (!endpoints.isAction(name)) throw new Refusal('NOT_FOUND', 'There is no such action.')
      const body = await readBody(request, maxBodyBytes)
      return await sendJson(response, 200, await endpoints.act(name, body, gate.actor(request)))
    }
    allow(request, response, 'GET', 'HEAD')
    checkReader(request)
    await gate.check(request, 'read')
    if (path === 'stream') {
      const rights = await this.#rights(request)
      if (response.destroyed) return
      if (request.method === 'HEAD') throw new Refusal('METHOD', 'A stream is asked for with GET.')
      return await endpoints.stream(request, response, rights)
    }
    const page = await endpoints.page(path, query)
    if (page === undefined) throw new Refusal('NOT_FOUND', 'There is no such page, or what was asked for is not kept any more.')
    await sendJson(response, 200, page.value, request.headers['accept-encoding'])
  }

  /** The page with what it shows first; `undefined`: it comes without, and asks. */
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

  /** Whatever went wrong is told the one who asked, and hinders nobody else. */
  async #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    try {
      const refusal = refusalOf(error)
      if (refusal.code === 'FAILED' && !(error instanceof SluiceError)) this.parts.host.reportError(error)
      if (response.headersSent || response.destroyed) {
        response.destroy()
        return
      }
      if (isOpened(request)) return sendRefusalPage(response, refusal)
      const code = error instanceof SluiceError ? error.code : refusal.code
      const body: ErrorBody = { error: { code, message: refusal.message } }
      // What is left of a body is not read: the connection is of no more use.
      if (!request.complete && request.method === 'POST') response.setHeader('Connection', 'close')
      await sendJson(response, refusal.status, body)
    } catch (failure) {
      this.parts.host.reportError(failure)
      response.destroy()
    }
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  // An engine's own words may be shown: they hold no values of the app's.
  if (error instanceof SluiceError) return new Refusal(error.code === 'SLUICE_NOT_AUTHORIZED' ? 'FORBIDDEN' : 'FAILED', errorMessage(error))
  return new Refusal('FAILED', error instanceof Error ? `It failed: ${errorMessage(error)}` : 'It failed.')
}

function allow(request: IncomingMessage, response: ServerResponse, ...methods: readonly string[]): void {
  if (methods.includes(request.method ?? '')) return
  response.setHeader('Allow', methods.join(', '))
  throw new Refusal('METHOD', `It is asked for with ${methods.join(' or ')}.`)
}

/** Relative: what is in front of the app may have another path for it. */
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
  // Who makes it up harms their own cookie alone.
  return (
    isEncrypted ||
    String(request.headers['x-forwarded-proto'] ?? '')
      .split(',')[0]
      ?.trim() === 'https'
  )
}

import type { IncomingMessage } from 'node:http'

/** A request's place below where the dashboard is served. */
export interface MountedPath {
  /** `''` for the folder itself without its slash, else beginning with `/`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Where the folder is, as far as the app knows: without a slash at its end. */
  readonly base: string
}

/** What Express adds to a request. */
interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly originalUrl?: string
}

/** `undefined`: it is none of the dashboard's. */
export function mountedPath(request: ExpressRequest, base: string): MountedPath | undefined {
  const url = request.originalUrl ?? request.url ?? '/'
  const mount = request.baseUrl !== undefined && request.baseUrl !== '' ? request.baseUrl : base
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  if (!path.startsWith(mount)) return undefined
  const rest = path.slice(mount.length)
  if (rest !== '' && !rest.startsWith('/')) return undefined
  return { path: rest, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)), base: mount }
}

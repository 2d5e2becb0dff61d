import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { RefusalCode } from '../protocol/common.ts'
import { type FirstView, firstViewId } from '../protocol/stream.ts'

const STATUS: Readonly<Record<RefusalCode, number>> = {
  NOT_TRUSTED: 401,
  FORBIDDEN: 403,
  CROSS_SITE: 403,
  READ_ONLY: 403,
  NOT_FOUND: 404,
  METHOD: 405,
  MEDIA_TYPE: 415,
  TOO_LARGE: 413,
  BAD_BODY: 400,
  BAD_QUERY: 400,
  TOO_MANY_STREAMS: 503,
  OFF: 409,
  FAILED: 502,
}

/** An error that rejects a request, with its HTTP status. */
export class Refusal extends Error {
  readonly status: number

  constructor(
    readonly code: RefusalCode,
    message: string,
  ) {
    super(message)
    this.status = STATUS[code]
  }
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** Sets the headers of all responses of the dashboard, and only of those. */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', 'no-referrer')
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
  response.setHeader('X-Frame-Options', 'DENY')
  response.setHeader('Cache-Control', 'no-store')
}

const compress = promisify(gzip)
/** Minimum size for compression, in bytes. */
const LEAST_COMPRESSED = 2_048

interface SentText {
  readonly status: number
  readonly type: string
  readonly text: string
  /** Value of the header `Accept-Encoding`. */
  readonly encodings?: unknown
}

/** Sends a response that is not cached. */
export async function sendText(
  response: ServerResponse,
  { status, type, text, encodings = '' }: SentText,
): Promise<void> {
  const plain = Buffer.from(text)
  const isCompressed = plain.length >= LEAST_COMPRESSED && /\bgzip\b/.test(String(encodings))
  const body = isCompressed ? await compress(plain, { level: 4 }) : plain
  if (response.headersSent || response.destroyed) return
  response.statusCode = status
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', body.length)
  response.setHeader('Vary', 'Accept-Encoding, Cookie')
  if (isCompressed) response.setHeader('Content-Encoding', 'gzip')
  response.end(body)
}

/** @param encodings - Value of the header `Accept-Encoding`. */
export async function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  encodings: unknown = '',
): Promise<void> {
  await sendText(response, {
    status,
    type: 'application/json; charset=utf-8',
    text: JSON.stringify(value ?? null),
    encodings,
  })
}

const END = '</body>'

/**
 * Adds the first view to the document as a block of data. Browsers do not execute it, so the content security
 * policy does not apply.
 *
 * @param html - The built document.
 */
export function withFirstView(html: string, view: FirstView): string {
  const at = html.lastIndexOf(END)
  if (at < 0) return html
  // Without `<`, the JSON cannot close the element or start a comment.
  const json = JSON.stringify(view).replaceAll('<', '\\u003c')
  return `${html.slice(0, at)}<script type="application/json" id="${firstViewId}">${json}</script>\n  ${html.slice(at)}`
}

/** Whether a person opened the URL, in contrast to a request by a script. */
export function isOpened({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && /\btext\/html\b/.test(headers.accept ?? '')
}

/** Sends an error as a page. It has no styles, because the content security policy allows none. */
export function sendRefusalPage(response: ServerResponse, { status, message }: Refusal): void {
  const head = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Sluice</title>`
  const body = Buffer.from(`${head}<h1>Page not available</h1><p>${escaped(message)}</p></html>\n`)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.setHeader('Content-Length', body.length)
  response.setHeader('Vary', 'Accept, Cookie')
  response.end(body)
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

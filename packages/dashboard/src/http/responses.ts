import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type FirstView, firstViewId } from '../protocol/stream.ts'
import type { Refusal } from './refusal.ts'

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

/** On all that the dashboard answers, and on nothing else. */
export function setSecurityHeaders(response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.setHeader('Referrer-Policy', 'no-referrer')
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin')
  response.setHeader('X-Frame-Options', 'DENY')
  response.setHeader('Cache-Control', 'no-store')
}

const compress = promisify(gzip)
/** Below, it does not pay. */
const LEAST_COMPRESSED = 2_048

interface SentText {
  readonly status: number
  readonly type: string
  readonly text: string
  /** `Accept-Encoding`. */
  readonly encodings?: unknown
}

/** Sends something that was made for this one answer. */
export async function sendText(response: ServerResponse, { status, type, text, encodings = '' }: SentText): Promise<void> {
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

/** @param encodings - `Accept-Encoding`. */
export async function sendJson(response: ServerResponse, status: number, value: unknown, encodings: unknown = ''): Promise<void> {
  await sendText(response, { status, type: 'application/json; charset=utf-8', text: JSON.stringify(value ?? null), encodings })
}

const END = '</body>'

/**
 * The page's document with what it shows first, as a block of data: nothing that a browser runs, so the page's policy has no say in it.
 *
 * @param html - The document as it was built.
 */
export function withFirstView(html: string, view: FirstView): string {
  const at = html.lastIndexOf(END)
  if (at < 0) return html
  // Without a `<`, nothing in it can end the element or begin a comment.
  const json = JSON.stringify(view).replaceAll('<', '\\u003c')
  return `${html.slice(0, at)}<script type="application/json" id="${firstViewId}">${json}</script>\n  ${html.slice(at)}`
}

/** Whether somebody opened an address, rather than a program. */
export function isOpened({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && /\btext\/html\b/.test(headers.accept ?? '')
}

/** Why there is nothing to see, for people: the policy allows no style, and none is needed. */
export function sendRefusalPage(response: ServerResponse, { status, message }: Refusal): void {
  const head = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Sluice</title>`
  const body = Buffer.from(`${head}<h1>Sluice does not show this.</h1><p>${escaped(message)}</p></html>\n`)
  response.statusCode = status
  response.setHeader('Content-Type', 'text/html; charset=utf-8')
  response.setHeader('Content-Length', body.length)
  response.setHeader('Vary', 'Accept, Cookie')
  response.end(body)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

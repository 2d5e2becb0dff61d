import type { ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const compress = promisify(gzip)
/** Below, it does not pay. */
const LEAST_COMPRESSED = 2_048

export interface SentText {
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

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Refusal } from './refusal.ts'

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

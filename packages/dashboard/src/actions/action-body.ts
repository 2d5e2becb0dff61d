import type { IncomingMessage } from 'node:http'
import { isInstance } from '@sluice/core/siblings'
import { Refusal } from '../http/responses.ts'

/**
 * Returns the JSON object in the body of a request, also if the framework has already parsed it.
 *
 * @throws Refusal
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Readonly<Record<string, unknown>>> {
  const { body } = request as { readonly body?: unknown }
  // Express's `json()` may have read the body. In Express 4, an empty object also means that it did not.
  const value = request.readableEnded && body !== undefined ? body : parsed(await textOf(request, maxBytes))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal('BAD_BODY', 'The body must be a JSON object.')
  return value as Readonly<Record<string, unknown>>
}

async function textOf(request: IncomingMessage, maxBytes: number): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    throw isInstance(error, Refusal)
      ? error
      : new Refusal('BAD_BODY', 'The connection closed before the end of the body.')
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(
    'TOO_LARGE',
    `The body is larger than ${maxBytes} bytes. See the option \`maxBodyBytes\`.`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('BAD_BODY', 'The body is not valid JSON.')
  }
}

export type Body = Readonly<Record<string, unknown>>

const MAX_TEXT = 500

/**
 * Rejects unknown fields, so that no part of a request is silently ignored.
 *
 * @throws Refusal
 */
export function checkFields(body: Body, known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Refusal(
      'BAD_BODY',
      `Unknown field "${unknown.slice(0, 40)}". Known fields: ${known.join(', ') || 'none'}.`,
    )
}

/** @throws Refusal */
export function textField(body: Body, name: string): string {
  const value = optionalText(body, name)
  if (value === undefined) throw new Refusal('BAD_BODY', `Missing field "${name}".`)
  return value
}

/** @throws Refusal */
export function optionalText(body: Body, name: string): string | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT)
    throw new Refusal('BAD_BODY', `The field "${name}" must be a string of 1 to ${MAX_TEXT} characters.`)
  return value
}

/** @throws Refusal */
export function optionalInteger(body: Body, name: string, min: number, max: number): number | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw new Refusal('BAD_BODY', `The field "${name}" must be an integer from ${min} to ${max}.`)
  return value as number
}

/** @throws Refusal */
export function optionalBoolean(body: Body, name: string): boolean | undefined {
  const value = body[name]
  if (value !== undefined && typeof value !== 'boolean')
    throw new Refusal('BAD_BODY', `The field "${name}" must be true or false.`)
  return value
}

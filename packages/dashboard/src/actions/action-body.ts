import type { IncomingMessage } from 'node:http'
import { Refusal } from '../http/refusal.ts'

/** The JSON object of a request's body, or what the framework made of it before. @throws Refusal */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Readonly<Record<string, unknown>>> {
  const { body } = request as { readonly body?: unknown }
  // Express's `json()` has read it; an empty object stands for none that was read (Express 4).
  const value = request.readableEnded && body !== undefined ? body : parsed(await textOf(request, maxBytes))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('BAD_BODY', 'The body is not a JSON object.')
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
    throw error instanceof Refusal ? error : new Refusal('BAD_BODY', 'The body did not come to its end.')
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('TOO_LARGE', `The body has more than ${maxBytes} bytes.`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal('BAD_BODY', 'The body is not JSON.')
  }
}

export type Body = Readonly<Record<string, unknown>>

const MAX_TEXT = 500

/** @throws Refusal unless all that is there is known: what was meant by the rest is not done silently. */
export function checkFields(body: Body, known: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Refusal('BAD_BODY', `There is no field "${unknown.slice(0, 40)}" here: ${known.join(', ') || 'none'}.`)
}

/** @throws Refusal */
export function textField(body: Body, name: string): string {
  const value = optionalText(body, name)
  if (value === undefined) throw new Refusal('BAD_BODY', `The field "${name}" is missing.`)
  return value
}

/** @throws Refusal */
export function optionalText(body: Body, name: string): string | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT)
    throw new Refusal('BAD_BODY', `The field "${name}" is a text of 1 to ${MAX_TEXT} characters.`)
  return value
}

/** @throws Refusal */
export function optionalInteger(body: Body, name: string, min: number, max: number): number | undefined {
  const value = body[name]
  if (value === undefined) return undefined
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
    throw new Refusal('BAD_BODY', `The field "${name}" is an integer from ${min} to ${max}.`)
  return value as number
}

/** @throws Refusal */
export function optionalBoolean(body: Body, name: string): boolean | undefined {
  const value = body[name]
  if (value !== undefined && typeof value !== 'boolean') throw new Refusal('BAD_BODY', `The field "${name}" is true or false.`)
  return value
}

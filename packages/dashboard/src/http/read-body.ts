import type { IncomingMessage } from 'node:http'
import { Refusal } from './refusal.ts'

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

import type { ErrorBody } from '../../../src/protocol/index.ts'
import { apiUrl } from './connect.ts'

/** The app did not give what was asked for. */
export class AskError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
    this.name = 'AskError'
  }
}

/** @throws AskError */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(apiUrl(path), { cache: 'no-store', ...init })
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new AskError(0, 'UNREACHABLE', 'The app does not answer.')
  }
  const body = await bodyOf(response)
  if (response.ok && body !== undefined) return body as T
  const { code, message } = (body as ErrorBody | undefined)?.error ?? {}
  throw new AskError(response.status, code ?? 'UNKNOWN', message ?? `The app answered with status ${response.status}.`)
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}

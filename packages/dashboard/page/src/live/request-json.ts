import {
  type ActionBodies,
  type ActionName,
  type ActionResults,
  actionHeader,
  type ErrorBody,
} from '../../../src/protocol/index.ts'
import { showToast } from '../parts/messages.tsx'
import { apiUrl } from './connect.ts'

/** A failed request to the API. */
export class RequestError extends Error {
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
export async function requestJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(apiUrl(path), { cache: 'no-store', ...init })
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new RequestError(0, 'UNREACHABLE', 'The app does not respond.')
  }
  const body = await bodyOf(response)
  if (response.ok && body !== undefined) return body as T
  const { code, message } = (body as ErrorBody | undefined)?.error ?? {}
  throw new RequestError(
    response.status,
    code ?? 'UNKNOWN',
    message ?? `The app responded with status ${response.status}.`,
  )
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}

interface ActOptions<N extends ActionName> {
  /** Message after success; no message if `undefined`. */
  readonly done?: (result: ActionResults[N]) => string | undefined
  readonly undo?: () => void
}

/** Runs an action and shows the outcome. Returns `undefined` if it failed. */
export async function act<N extends ActionName>(
  name: N,
  body: ActionBodies[N],
  { done, undo }: ActOptions<N> = {},
): Promise<ActionResults[N] | undefined> {
  try {
    const result = await requestJson<ActionResults[N]>(`actions/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [actionHeader]: name },
      body: JSON.stringify(body),
    })
    const text = done?.(result)
    if (text !== undefined) showToast({ text, ...(undo === undefined ? {} : { undo }) })
    return result
  } catch (error) {
    showToast({ text: error instanceof Error ? error.message : String(error), isError: true })
    return undefined
  }
}

import { type ActionBodies, type ActionName, type ActionResults, actionHeader } from '../../../src/protocol/index.ts'
import { showToast } from '../parts/toasts.tsx'
import { ask } from './ask.ts'

export interface ActOptions<N extends ActionName> {
  /** What to say when it is done; `undefined`: nothing. */
  readonly done?: (result: ActionResults[N]) => string | undefined
  readonly undo?: () => void
}

/** Has the app do something, and says what became of it. `undefined`: it was not done. */
export async function act<N extends ActionName>(
  name: N,
  body: ActionBodies[N],
  { done, undo }: ActOptions<N> = {},
): Promise<ActionResults[N] | undefined> {
  try {
    const result = await ask<ActionResults[N]>(`actions/${name}`, {
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

import { SluiceError } from '@sluice/core'
import { errorMessage, isInstance } from '@sluice/core/siblings'
import { Refusal } from '../http/refusal.ts'
import type { SessionQuestion } from '../http/sessions.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import { schemaVersion } from '../protocol/stream.ts'
import type { FactsQuery, ProcessFacts } from './process-facts.ts'

/** Questions between processes. */
export type Question =
  | ({ readonly kind: 'facts' } & FactsQuery)
  /** The data of a path below `api/`. `search` is the query string without its question mark. */
  | { readonly kind: 'page'; readonly path: string; readonly search: string }
  | {
      readonly kind: 'act'
      readonly name: ActionName
      readonly body: Readonly<Record<string, unknown>>
      readonly actor: string
    }
  | { readonly kind: 'session'; readonly about: SessionQuestion }

/** The response to a question. `value` is absent if the page does not exist. */
export type Answer = { readonly value?: unknown } | ErrorBody

/** The parts of a process that respond to questions. */
interface AnswerParts {
  readonly facts: (query: FactsQuery) => Promise<ProcessFacts>
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  readonly isAction: (name: string) => name is ActionName
  /** Responds for the sessions of this process; 0 if it has none. */
  readonly session: (question: SessionQuestion) => number
  /** Whether actions are enabled in this process. */
  readonly hasActions: boolean
}

/** Responds to a question of another process. Never rejects. */
export async function answerQuestion(text: string, parts: AnswerParts): Promise<string> {
  return JSON.stringify(await answer(text, parts).catch(errorOf))
}

async function answer(
  text: string,
  { facts, page, act, session, isAction, hasActions }: AnswerParts,
): Promise<Answer> {
  const { version, ...question } = JSON.parse(text) as Question & { readonly version: number }
  // Data of another version can have a different meaning.
  if (version !== schemaVersion)
    throw new Refusal('NOT_FOUND', 'The other process has a different version of the dashboard.')
  if (question.kind === 'facts') return { value: await facts(question) }
  if (question.kind === 'page') return (await page(question.path, new URLSearchParams(question.search))) ?? {}
  if (question.kind === 'session') return { value: session(question.about) }
  if (question.kind !== 'act' || !isAction(question.name))
    throw new Refusal('NOT_FOUND', 'Unknown question in this version of the dashboard.')
  if (!hasActions)
    throw new Refusal('READ_ONLY', 'This dashboard is read-only, because its option `actions` is false.')
  return { value: await act(question.name, question.body, question.actor) }
}

function errorOf(error: unknown): Answer {
  const message = isInstance(error, Error) ? errorMessage(error) : 'Request failed.'
  return {
    error: {
      code: isInstance(error, SluiceError) || isInstance(error, Refusal) ? error.code : 'FAILED',
      message,
    },
  }
}

import { SluiceError } from '@sluice/core'
import { errorMessage } from '@sluice/core/siblings'
import { Refusal } from '../http/refusal.ts'
import type { SessionQuestion } from '../http/sessions.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import { schemaVersion } from '../protocol/stream.ts'
import type { FactsQuery, ProcessFacts } from './process-facts.ts'

/** What processes ask one another. */
export type Question =
  | ({ readonly kind: 'facts' } & FactsQuery)
  /** What is at a path below `api/`; `search`: what follows its question mark. */
  | { readonly kind: 'page'; readonly path: string; readonly search: string }
  | { readonly kind: 'act'; readonly name: ActionName; readonly body: Readonly<Record<string, unknown>>; readonly actor: string }
  | { readonly kind: 'session'; readonly about: SessionQuestion }

/** What they answer: `value` is absent where there is no such page. */
export type Answer = { readonly value?: unknown } | ErrorBody

/** What this process answers others from. */
interface AnswerParts {
  readonly facts: (query: FactsQuery) => Promise<ProcessFacts>
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  readonly isAction: (name: string) => name is ActionName
  /** What the sessions of this process say; 0 where they are none of its business. */
  readonly session: (question: SessionQuestion) => number
  /** Whether anything may be changed here. */
  readonly hasActions: boolean
}

/** Answers another process; never rejects. */
export async function answerQuestion(text: string, parts: AnswerParts): Promise<string> {
  return JSON.stringify(await answer(text, parts).catch(errorOf))
}

async function answer(text: string, { facts, page, act, session, isAction, hasActions }: AnswerParts): Promise<Answer> {
  const { version, ...question } = JSON.parse(text) as Question & { readonly version: number }
  // Figures of another version may mean something else.
  if (version !== schemaVersion) throw new Refusal('NOT_FOUND', 'Another version of the dashboard asks.')
  if (question.kind === 'facts') return { value: await facts(question) }
  if (question.kind === 'page') return (await page(question.path, new URLSearchParams(question.search))) ?? {}
  if (question.kind === 'session') return { value: session(question.about) }
  if (question.kind !== 'act' || !isAction(question.name)) throw new Refusal('NOT_FOUND', 'That is no question of this version.')
  if (!hasActions) throw new Refusal('READ_ONLY', 'This dashboard only shows: its option `actions` is false.')
  return { value: await act(question.name, question.body, question.actor) }
}

function errorOf(error: unknown): Answer {
  const message = error instanceof Error ? errorMessage(error) : 'It failed.'
  return { error: { code: error instanceof SluiceError || error instanceof Refusal ? error.code : 'FAILED', message } }
}

import type { SessionQuestion } from '../http/sessions.ts'
import type { ActionName } from '../protocol/action.ts'
import type { ErrorBody } from '../protocol/common.ts'
import type { FactsQuery } from './process-facts.ts'

/** What processes ask one another. */
export type Question =
  | ({ readonly kind: 'facts' } & FactsQuery)
  /** What is at a path below `api/`; `search`: what follows its question mark. */
  | { readonly kind: 'page'; readonly path: string; readonly search: string }
  | { readonly kind: 'act'; readonly name: ActionName; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'session'; readonly about: SessionQuestion }

/** What they answer: `value` is absent where there is no such page. */
export type Answer = { readonly value?: unknown } | ErrorBody

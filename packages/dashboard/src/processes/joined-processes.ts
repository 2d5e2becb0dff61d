import type { ProcessLink } from '@sluice/core/siblings'
import { isActionName } from '../actions/perform-action.ts'
import type { AskSessions, SessionQuestion } from '../http/sessions.ts'
import type { ActionName } from '../protocol/action.ts'
import type { LiveSource } from '../stream/delta-maker.ts'
import type { LiveData } from '../stream/live-data.ts'
import { actInAll } from './act-in-all.ts'
import { AllProcesses } from './all-processes.ts'
import { pageOfAll } from './pages-of-all.ts'
import { answerQuestion } from './questions.ts'

/** The processes behind a dashboard: only this one, or all connected ones. */
export interface Processes {
  readonly live: LiveSource
  /** Asks the other processes for their data. Never rejects. */
  readonly refresh: () => Promise<void>
  readonly page: (path: string, query: URLSearchParams) => Promise<{ readonly value: unknown } | undefined>
  readonly act: (name: ActionName, body: Readonly<Record<string, unknown>>, actor: string) => Promise<unknown>
  /** Asks the sessions of the other processes. Never rejects. */
  readonly askSessions: AskSessions
  /** Never rejects. */
  readonly close: () => Promise<void>
}

export interface JoinedParts {
  /** The same interface for this process only. */
  readonly alone: Processes
  readonly own: LiveData
  readonly link: ProcessLink
  readonly self: string
  readonly session: (question: SessionQuestion) => number
  readonly hasActions: boolean
  readonly hasSharedJobs: boolean
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Connects this process to the others. Until the link is open, only this process is used. */
export function joinedProcesses(parts: JoinedParts): Processes {
  const { alone, own, link, self, session, hasActions, hasSharedJobs, now, onError } = parts
  const live = new AllProcesses({ own, link, self, now, onError })
  const { page, act } = alone
  const facts = async (query: Parameters<LiveData['facts']>[0]) => own.facts(query)
  const opening = link
    .open(self, (question) =>
      answerQuestion(question, { facts, page, act, session, hasActions, isAction: isActionName }),
    )
    .catch(onError)
  return {
    live,
    refresh: () => live.refresh(),
    page: (path, query) => pageOfAll(path, query, { live, page }),
    act: (name, body, actor) => actInAll(name, body, { peers: live.peers, act, actor, hasSharedJobs }),
    askSessions: async (about) => {
      const told = await live.peers.askAll({ kind: 'session', about })
      return Math.max(0, ...told.map(({ answer }) => ('value' in answer ? Number(answer.value) : 0)))
    },
    close: () => opening.then(() => live.peers.close()).catch(onError),
  }
}

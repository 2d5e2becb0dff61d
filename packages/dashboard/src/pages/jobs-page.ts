import { hash } from 'node:crypto'
import type { AsyncBatchProcessingEngine, DeadLetter, Sluice } from '@sluice/core'
import { redact } from '@sluice/core/siblings'
import type { DeadLetterGroup, DeadLetterRow, JobsPage } from '../protocol/engine-pages.ts'
import type { JobFacts } from './job-facts.ts'

/** Queues and dead letters; `null` if jobs are disabled. */
export async function jobsPage(
  { jobs }: Sluice,
  facts: JobFacts,
  showParameters: boolean,
): Promise<JobsPage | null> {
  if (jobs === undefined) return null
  if (!jobs.isOpen)
    return {
      isOpen: false,
      isShared: jobs.isShared,
      queues: [],
      deadLetters: { total: 0, grouped: 0, groups: [] },
    }
  await facts.refresh()
  // If the backend fails, the health of its queues reports it.
  const letters =
    facts.deadLetters === 0 ? [] : await jobs.listDeadLetters({ limit: MAX_GROUPED }).catch(() => [])
  return {
    isOpen: true,
    isShared: jobs.isShared,
    queues: facts.queues,
    deadLetters: {
      total: Math.max(facts.deadLetters, letters.length),
      grouped: letters.length,
      groups: groupedLetters(letters, showParameters),
    },
  }
}

/** Maximum number of dead letters to group. */
export const MAX_GROUPED = 1_000
export const SHOWN = 10
const MAX_TEXT = 1_000
const MAX_LINES = 20

/** Groups dead letters by queue and error, most frequent first. */
function groupedLetters(letters: readonly DeadLetter[], showParameters: boolean): DeadLetterGroup[] {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const key = groupKey(letter)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [letter])
    else group.push(letter)
  }
  const rows = [...groups].map(([key, all]): DeadLetterGroup => {
    const newest = all.reduce((last, letter) =>
      (letter.finishedAt ?? 0) > (last.finishedAt ?? 0) ? letter : last,
    )
    return {
      key,
      queue: newest.queue,
      error: errorOf(newest),
      count: all.length,
      newestAt: newest.finishedAt ?? null,
      letters: all.slice(0, SHOWN).map((letter) => letterRow(letter, showParameters)),
    }
  })
  return rows.sort((a, b) => b.count - a.count)
}

/** Errors that differ only in numbers, IDs and quoted words are in the same group. */
function groupKey(letter: DeadLetter): string {
  const kind = errorOf(letter)
    .replace(/(["'`]).*?\1/g, '?')
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '?')
    .replace(/\d+/g, '#')
  return hash('sha256', `${letter.queue}\n${kind}`).slice(0, 12)
}

/** Returns the IDs of the dead letters for an action, in the order of their creation. */
export async function lettersFor(
  jobs: AsyncBatchProcessingEngine,
  {
    id,
    group,
    queue,
    limit = MAX_GROUPED,
  }: { readonly id?: string; readonly group?: string; readonly queue?: string; readonly limit?: number },
): Promise<readonly string[]> {
  if (id !== undefined) return [id]
  const letters = await jobs.listDeadLetters({
    ...(queue === undefined ? {} : { queue }),
    limit: group === undefined ? limit : MAX_GROUPED,
  })
  const chosen = group === undefined ? letters : letters.filter((letter) => groupKey(letter) === group)
  return chosen.slice(0, limit).map((letter) => letter.id)
}

function errorOf({ error, failures }: DeadLetter): string {
  return shortened(redact(error ?? failures.at(-1)?.message ?? 'Failed without a message.'))
}

function letterRow(letter: DeadLetter, showParameters: boolean): DeadLetterRow {
  const { id, queue, attempts, createdAt, finishedAt = null, failures, batchId = null, data } = letter
  const last = failures.at(-1)
  return {
    id,
    queue,
    attempts,
    createdAt,
    failedAt: finishedAt ?? last?.at ?? null,
    error: errorOf(letter),
    stack: redact(last?.stack ?? '')
      .split('\n')
      .filter(Boolean)
      .slice(0, MAX_LINES)
      .map(shortened),
    log: (last?.log ?? []).slice(-MAX_LINES).map((line) => shortened(redact(line))),
    batchId,
    data: showParameters ? shortened(JSON.stringify(data) ?? '') : null,
  }
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}

import { type LookupKey, splitRows } from '@sluice/core/adapter'
import { findRows } from './find-rows.ts'
import type { Answers, MergedCall } from './merged-call.ts'

/** Asks for all rows of many keys. */
export async function mergeRows(call: MergedCall, keys: readonly LookupKey[], maxRows?: number): Promise<Answers> {
  const { plan, key } = call
  const { rows, drop } = await findRows(call, keys, plan.action === 'many' ? maxRows : undefined)
  const groups = splitRows(rows, keys, (row) => key.fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  drop()
  return plan.action === 'many' ? groups : firstsOf(groups, plan.throws)
}

/** Whoever throws when there is no row does so with its own error, from its own query. */
export function firstsOf(groups: ReadonlyMap<string, readonly unknown[]>, throws: boolean): Answers {
  const firsts = new Map<string, unknown>()
  for (const [text, [row]] of groups) if (row !== undefined || !throws) firsts.set(text, row ?? null)
  return firsts
}

import { BULLMQ_SCRIPTS, type Bullmq } from '../load-bullmq.ts'
import { ADD, CANCEL, CANCEL_BATCH, FORGET, NOTIFIED, PAUSE, PURGE, RENEW, REPLAY, SEAL } from './changes.ts'
import { BATCHES, COUNTS, DEAD, FIND, RECORDS } from './reads.ts'
import { RECALL, STEP } from './step.ts'

export type ScriptName =
  | 'add'
  | 'step'
  | 'recall'
  | 'renew'
  | 'cancel'
  | 'cancelBatch'
  | 'replay'
  | 'purge'
  | 'pause'
  | 'seal'
  | 'notified'
  | 'forget'
  | 'records'
  | 'find'
  | 'counts'
  | 'dead'
  | 'batches'

const SOURCES: Readonly<Record<ScriptName, string>> = {
  add: ADD,
  step: STEP,
  recall: RECALL,
  renew: RENEW,
  cancel: CANCEL,
  cancelBatch: CANCEL_BATCH,
  replay: REPLAY,
  purge: PURGE,
  pause: PAUSE,
  seal: SEAL,
  notified: NOTIFIED,
  forget: FORGET,
  records: RECORDS,
  find: FIND,
  counts: COUNTS,
  dead: DEAD,
  batches: BATCHES,
}

/**
 * The scripts, each with the functions of BullMQ that it calls.
 *
 * @param publish - The command that notifies others.
 */
export function scriptsWith(
  bullmq: Bullmq,
  publish: 'PUBLISH' | 'SPUBLISH',
): ReadonlyMap<ScriptName, string> {
  const source = (lua: string) => {
    const called = BULLMQ_SCRIPTS.filter((name) => new RegExp(`\\b${name}\\(`).test(lua))
    return `local TELL, HAS_FAST_PATH = '${publish}', ${bullmq.hasFastPath}\n${bullmq.functions(...called)}${lua}`
  }
  return new Map(Object.entries(SOURCES).map(([name, lua]) => [name as ScriptName, source(lua)]))
}

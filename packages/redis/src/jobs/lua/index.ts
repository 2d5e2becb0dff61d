import type { Bullmq, BullmqScript } from '../load-bullmq.ts'
import { ADD, ADD_NEEDS } from './add.ts'
import {
  CANCEL,
  CANCEL_BATCH,
  CANCEL_NEEDS,
  FORGET,
  FORGET_NEEDS,
  NOTIFIED,
  PAUSE,
  PAUSE_NEEDS,
  PURGE,
  PURGE_NEEDS,
  RENEW,
  REPLAY,
  REPLAY_NEEDS,
  SEAL,
  SEAL_NEEDS,
} from './changes.ts'
import { BATCHES, COUNTS, DEAD, FIND, RECORDS } from './reads.ts'
import { RECALL, STEP, STEP_NEEDS } from './step.ts'

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

interface Source {
  readonly lua: string
  readonly needs?: readonly BullmqScript[]
}

const SOURCES: Readonly<Record<ScriptName, Source>> = {
  add: { lua: ADD, needs: ADD_NEEDS },
  step: { lua: STEP, needs: STEP_NEEDS },
  recall: { lua: RECALL },
  renew: { lua: RENEW },
  cancel: { lua: CANCEL, needs: CANCEL_NEEDS },
  cancelBatch: { lua: CANCEL_BATCH, needs: CANCEL_NEEDS },
  replay: { lua: REPLAY, needs: REPLAY_NEEDS },
  purge: { lua: PURGE, needs: PURGE_NEEDS },
  pause: { lua: PAUSE, needs: PAUSE_NEEDS },
  seal: { lua: SEAL, needs: SEAL_NEEDS },
  notified: { lua: NOTIFIED },
  forget: { lua: FORGET, needs: FORGET_NEEDS },
  records: { lua: RECORDS },
  find: { lua: FIND },
  counts: { lua: COUNTS },
  dead: { lua: DEAD },
  batches: { lua: BATCHES },
}

/** The scripts, whole. @param publish - The command that tells others. */
export function scriptsWith(bullmq: Bullmq, publish: 'PUBLISH' | 'SPUBLISH'): ReadonlyMap<ScriptName, string> {
  const whole = ({ lua, needs = [] }: Source) => `local TELL = '${publish}'\n${bullmq.functions(...needs)}${lua}`
  return new Map(Object.entries(SOURCES).map(([name, source]) => [name as ScriptName, whole(source)]))
}

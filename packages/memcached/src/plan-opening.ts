import { EVERY_TAG, type Stamps } from '@sluice/core/stores'
import { certificateOf, certifies, type Losses } from './certificate.ts'
import { type LogTerms, openingStep, stampOf, type TagLog, textOf } from './tag-log.ts'

/** A log as it was read. */
export interface SeenLog {
  readonly tag: string
  /** `undefined`: there is no such log. */
  readonly text: string | undefined
  readonly log: TagLog
  /** The second of the server's clock. */
  readonly now: number
}

/** The state that a process has read, to open tags. */
export interface Look<Seen extends SeenLog> {
  /** The log of the epoch, and then those of the tags. */
  readonly seen: readonly [Seen, ...Seen[]]
  /** The losses of the server, read after the logs; `undefined`: not read. */
  readonly losses: Losses | undefined
}

/** The next actions of the process. */
export interface OpeningPlan<Seen extends SeenLog> {
  /** Logs to replace, if they are unchanged. */
  readonly writes: readonly { readonly seen: Seen; readonly text: string }[]
  /** Whether the next look must include the losses. */
  readonly needsLosses: boolean
  /** The stamps of all tags. Final if there is nothing to do. */
  readonly stamps: Stamps | undefined
}

/**
 * Plans how to open tags after a look. The logs must then be read again, until there is nothing to do.
 *
 * @param tags - In the order of the stamps to return.
 * @param newStamp - Creates a stamp.
 */
export function planOpening<Seen extends SeenLog>(
  { seen, losses }: Look<Seen>,
  tags: readonly string[],
  newStamp: () => string,
  terms: LogTerms,
): OpeningPlan<Seen> {
  const [epoch, ...others] = seen
  if (epoch.log.certificate === undefined) {
    // Before the quarantine begins, so that it covers all losses during it.
    if (losses === undefined) return { writes: [], needsLosses: true, stamps: undefined }
    const text = textOf({ ...epoch.log, certificate: certificateOf(losses) })
    return { writes: [{ seen: epoch, text }], needsLosses: false, stamps: undefined }
  }
  const writes: { readonly seen: Seen; readonly text: string }[] = []
  const step = openingStep(epoch.log, epoch.now, false, newStamp(), terms)
  if (step.text !== undefined) writes.push({ seen: epoch, text: step.text })
  if (!step.opens) return { writes, needsLosses: false, stamps: undefined }
  const isCertified = certifiedBy(epoch.log, losses)
  const stamps = new Map([[EVERY_TAG, stampOf(epoch.log)]])
  let needsLosses = false
  for (const one of others) {
    stamps.set(one.tag, stampOf(one.log))
    if (one.text === undefined) {
      // An empty log first: if it is unchanged at the next look, nothing happened since.
      writes.push({ seen: one, text: '' })
      needsLosses = true
    } else if (one.log.base === 'unknown' && (losses === undefined || epoch.log.base !== 'certain')) {
      needsLosses = true
    } else {
      const { text } = openingStep(one.log, one.now, isCertified, newStamp(), terms)
      if (text !== undefined) writes.push({ seen: one, text })
    }
  }
  const current = stamps.get(EVERY_TAG)
  const given = tags.map((tag) => stamps.get(tag))
  const isOpen = current !== undefined && !given.includes(undefined)
  return {
    writes,
    needsLosses,
    stamps: isOpen ? { epoch: current, stamps: given as string[] } : undefined,
  }
}

/** Whether the server has lost no log since the quarantine of this epoch began. */
export function certifiedBy(epoch: TagLog, losses: Losses | undefined): boolean {
  return epoch.base === 'certain' && losses !== undefined && certifies(epoch.certificate, losses)
}

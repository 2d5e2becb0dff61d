import type { PlannedRead } from './plan.ts'
import { INTENT, type World } from './world.ts'

/** Cells of an entry: whether it exists, its values, its stamps. */
export function entryCells(
  world: World,
  key: number,
): { readonly present: number; readonly value: number; readonly stamp: number } {
  const present = world.plan.at.entry + key * world.plan.entrySize
  return { present, value: present + 1, stamp: present + 1 + world.plan.rows.length }
}

/** Whether the epoch exists and belongs to the server that clients are connected to. */
export function epochIsGood(world: World): boolean {
  const { at, every } = world.plan
  return world.stamp(every) !== 0 && world.get(at.epochServer) === world.get(at.server)
}

/** Whether the stamps from a cell on are the live ones. */
export function areLive(world: World, stampCell: number, tags: readonly number[]): boolean {
  const { every, protocol } = world.plan
  if (protocol.epochCheck && (!epochIsGood(world) || world.get(stampCell + every) !== world.stamp(every)))
    return false
  return tags.every((tag) => world.stamp(tag) !== 0 && world.stamp(tag) === world.get(stampCell + tag))
}

/** Whether a read is served from its entry. */
export function isHit(world: World, { key, tags }: PlannedRead): boolean {
  const entry = entryCells(world, key)
  if (world.get(entry.present) === 0) return false
  return world.plan.protocol.naive || areLive(world, entry.stamp, tags)
}

export function begin(world: World, writer: number): void {
  const { at, every, protocol, writers } = world.plan
  for (const tag of writers[writer]?.tags ?? []) {
    if (tag === every && protocol.everyGuard && !epochIsGood(world) && !hasLiveIntentOnEverything(world))
      world.set(at.quarantine, 1)
    if (!protocol.ownIntents) clearIntents(world, tag)
    world.setIntent(tag, writer, INTENT.live)
    if (tag === every) world.set(at.intentServer + writer, world.get(at.server))
    if (protocol.beginDestroys) world.setStamp(tag, 0)
  }
}

export function end(world: World, writer: number): void {
  const { at, every, protocol, writers } = world.plan
  for (const tag of writers[writer]?.tags ?? []) {
    const own = world.intent(tag, writer) === INTENT.live
    if (protocol.ownIntents) world.setIntent(tag, writer, INTENT.none)
    else clearIntents(world, tag)
    const sameServer =
      tag !== every || !protocol.everyGuard || world.get(at.intentServer + writer) === world.get(at.server)
    const opens =
      (own || !protocol.endNeedsOwn) &&
      sameServer &&
      !(protocol.endWaitsForOthers && world.hasLiveIntent(tag)) &&
      !(protocol.quarantine && world.get(at.quarantine) === 1)
    world.setStamp(tag, opens ? world.freshStamp() : 0)
    if (tag === every) {
      world.set(at.intentServer + writer, 0)
      if (opens) world.set(at.epochServer, world.get(at.server))
    }
  }
}

/** @returns Whether later reads from the database may be cached, with the stamps that are live then. */
export function open(world: World, { tags }: PlannedRead): boolean {
  const { at, every, protocol } = world.plan
  if (protocol.epochCheck && !epochIsGood(world)) {
    if (protocol.everyIntent && world.hasLiveIntent(every)) return false
    world.setStamp(every, world.freshStamp())
    world.set(at.epochServer, world.get(at.server))
    if (protocol.quarantine) world.set(at.quarantine, 1)
  }
  if (protocol.quarantine && world.get(at.quarantine) === 1) return false
  if (protocol.openSeesIntents && tags.some((tag) => world.hasLiveIntent(tag))) return false
  for (const tag of tags) {
    if (world.stamp(tag) !== 0) continue
    if (!protocol.readerCreates) return false
    world.setStamp(tag, world.freshStamp())
  }
  return true
}

function clearIntents(world: World, tag: number): void {
  for (const writer of world.plan.writers.keys()) world.setIntent(tag, writer, INTENT.none)
}

function hasLiveIntentOnEverything(world: World): boolean {
  const { at, every, writers } = world.plan
  return writers.some(
    (_, writer) =>
      world.intent(every, writer) === INTENT.live &&
      world.get(at.intentServer + writer) === world.get(at.server),
  )
}

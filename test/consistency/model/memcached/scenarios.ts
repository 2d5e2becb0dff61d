import type { Fault, Mistake, Scenario, Tag } from './world.ts'

const row: readonly Tag[] = ['x']
const everything: readonly Tag[] = ['*']

function scenario(
  writers: readonly (readonly Tag[])[],
  readers: readonly number[],
  faults: Partial<Record<Fault, number>> = {},
): Scenario {
  return { writers, readers, faults }
}

export const SCENARIOS = {
  plain: scenario([row], [2, 2]),
  fresh: { ...scenario([row], [2, 1]), isFresh: true },
  freshEvict: { ...scenario([row], [2], { evict: 1 }), isFresh: true },
  freshEvictTwice: { ...scenario([row], [2], { evict: 2 }), isFresh: true },
  freshOfTwo: { ...scenario([row, row], [2]), isFresh: true },
  twoWriters: scenario([row, row], [2, 1]),
  crash: scenario([row], [2, 1], { crash: 1 }),
  crashOfTwo: scenario([row, row], [2], { crash: 1 }),
  lapse: scenario([row], [2, 1], { lapse: 1 }),
  lapseCrash: scenario([row], [2], { lapse: 1, crash: 1 }),
  pauseLapse: scenario([row], [2, 1], { pause: 1, lapsePaused: 1 }),
  restart: scenario([row], [2, 1], { restart: 1 }),
  restartCrash: scenario([row], [2], { restart: 1, crash: 1 }),
  restartOfTwo: scenario([row, row], [2], { restart: 1 }),
  restartEvict: scenario([row], [3], { restart: 1, evict: 1 }),
  restartOnly: scenario([], [3], { restart: 1 }),
  evict: scenario([row], [2, 1], { evict: 1 }),
  evictTwice: scenario([row], [2], { evict: 2 }),
  evictCrash: scenario([row], [2], { evict: 1, crash: 1 }),
  evictOfTwo: scenario([row, row], [2], { evict: 1 }),
  pauseEvict: scenario([row], [2], { pause: 1, evict: 1 }),
  endLost: scenario([row], [2, 1], { endLost: 1 }),
  endLostEvict: scenario([row], [2], { endLost: 1, evict: 1 }),
  everything: scenario([everything], [2, 1]),
  everythingCrash: scenario([everything], [2], { crash: 1 }),
  everythingRestart: scenario([everything], [2], { restart: 1 }),
  everythingEvict: scenario([everything], [2], { evict: 1 }),
  everythingAndRow: scenario([everything, row], [2]),
  everythingAndRowEvict: scenario([everything, row], [2], { evict: 1 }),
  everythingAndRowRestart: scenario([everything, row], [2], { restart: 1 }),
  allFaults: scenario([row], [2], { crash: 1, lapse: 1, restart: 1, evict: 1 }),
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

/** The scenario in which each mistake is found first. */
export const FOUND_IN: Readonly<Record<Mistake, ScenarioName>> = {
  noQuarantine: 'restart',
  tombstones: 'twoWriters',
  alwaysCertified: 'evict',
  lateCertificate: 'restartEvict',
  earlyLosses: 'freshEvict',
  directStamps: 'freshEvict',
  blindWrites: 'fresh',
  noRenewal: 'restart',
}

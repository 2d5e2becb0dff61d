import { parseArgs } from 'node:util'
import { type Exploration, explore } from './explore.ts'
import { exploreMemcached } from './memcached/explore.ts'
import { SCENARIOS as MEMCACHED_SCENARIOS } from './memcached/scenarios.ts'
import { MISTAKES, type Mistake } from './memcached/world.ts'
import { FULL, NAIVE, type Protocol, RULES, type Rule, without } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { LIMITS, SCENARIOS } from './scenarios.ts'

const USAGE =
  'main.ts [--scenario <name>] [--without <rule>,… | --naive | --memcached [--mistakes <mistake>,…]] [--max-states 3000000] [--ways]'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    without: { type: 'string', default: '' },
    naive: { type: 'boolean', default: false },
    memcached: { type: 'boolean', default: false },
    mistakes: { type: 'string', default: '' },
    'max-states': { type: 'string', default: '3000000' },
    ways: { type: 'boolean', default: false },
  },
})

function protocolAsked(): Protocol {
  if (values.naive) return NAIVE
  const rules = values.without.split(',').filter((rule) => rule !== '')
  for (const rule of rules) {
    if (!(rule in RULES))
      throw new Error(
        `Expected --without to name rules among ${Object.keys(RULES).join(', ')}, got "${rule}". ${USAGE}`,
      )
  }
  return rules.length === 0 ? FULL : without(...(rules as Rule[]))
}

function mistakesAsked(): Mistake[] {
  return values.mistakes
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const known = MISTAKES.find((mistake) => mistake === name)
      if (known === undefined)
        throw new Error(`Expected --mistakes to name some of ${MISTAKES.join(', ')}, got "${name}". ${USAGE}`)
      return known
    })
}

/**
 * Explores the chosen scenarios.
 *
 * @param limits - Those that may be violated.
 */
function exploreAll<T>(
  scenarios: Readonly<Record<string, T>>,
  limits: object,
  run: (scenario: T) => Pick<Exploration, 'states' | 'isCut' | 'broken' | 'hits'>,
): boolean {
  const chosen = Object.entries(scenarios).filter(
    ([name]) => values.scenario === undefined || name === values.scenario,
  )
  if (chosen.length === 0)
    throw new Error(`Expected --scenario to be one of ${Object.keys(scenarios).join(', ')}. ${USAGE}`)
  let isBroken = false
  for (const [name, scenario] of chosen) {
    const { states, isCut, broken, hits } = run(scenario)
    const invariants = Object.keys(broken).sort().join('')
    isBroken ||= invariants !== '' && !(name in limits)
    console.log(
      `${name.padEnd(30)} ${invariants.padEnd(4)} ${states} states${isCut ? ' (cut)' : ''}, ${hits} hits`,
    )
    if (!values.ways) continue
    for (const [invariant, way] of Object.entries(broken))
      console.log(`  ${invariant}:\n    ${way.join('\n    ')}`)
  }
  return isBroken
}

const maxStates = Number(values['max-states'])
const isBroken = values.memcached
  ? exploreAll(MEMCACHED_SCENARIOS, {}, (scenario) => exploreMemcached(scenario, mistakesAsked(), maxStates))
  : exploreAll<Scenario>({ ...SCENARIOS, ...LIMITS }, LIMITS, (scenario) =>
      explore(scenario, protocolAsked(), maxStates),
    )
process.exitCode = isBroken ? 1 : 0

import { parseArgs } from 'node:util'
import { explore } from './explore.ts'
import { FULL, NAIVE, type Protocol, RULES, type Rule, without } from './rules.ts'
import type { Scenario } from './scenario.ts'
import { LIMITS, SCENARIOS } from './scenarios.ts'

const USAGE = 'main.ts [--scenario <name>] [--without <rule>,… | --naive] [--max-states 3000000] [--ways]'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    without: { type: 'string', default: '' },
    naive: { type: 'boolean', default: false },
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

const all: Record<string, Scenario> = { ...SCENARIOS, ...LIMITS }
const chosen = Object.entries(all).filter(
  ([name]) => values.scenario === undefined || name === values.scenario,
)
if (chosen.length === 0)
  throw new Error(`Expected --scenario to be one of ${Object.keys(all).join(', ')}. ${USAGE}`)
const rules = protocolAsked()
let isBroken = false
for (const [name, scenario] of chosen) {
  const { states, isCut, broken, hits } = explore(scenario, rules, Number(values['max-states']))
  const invariants = Object.keys(broken).sort().join('')
  isBroken ||= invariants !== '' && name in SCENARIOS
  console.log(
    `${name.padEnd(30)} ${invariants.padEnd(4)} ${states} states${isCut ? ' (cut)' : ''}, ${hits} hits`,
  )
  if (!values.ways) continue
  for (const [invariant, way] of Object.entries(broken))
    console.log(`  ${invariant}:\n    ${way.join('\n    ')}`)
}
process.exitCode = isBroken ? 1 : 0

import { describe, expect, it } from 'vitest'
import { usesColor } from '../../src/report/cells.ts'

describe('usesColor', () => {
  it.each([
    ['a terminal', undefined, true, {}, true],
    ['the absence of a terminal', undefined, false, {}, false],
    ['NO_COLOR', undefined, true, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', undefined, true, { NO_COLOR: '' }, true],
    ['FORCE_COLOR', undefined, false, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', undefined, true, { FORCE_COLOR: '0' }, false],
    ['--color over NO_COLOR', true, false, { NO_COLOR: '1' }, true],
    ['--no-color over FORCE_COLOR', false, true, { FORCE_COLOR: '1' }, false],
  ])('follows %s', (_, option, isTerminal, environment, expected) => {
    expect(usesColor(option, isTerminal, environment as NodeJS.ProcessEnv)).toBe(expected)
  })
})

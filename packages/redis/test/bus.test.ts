import { describe, expect, it } from 'vitest'
import { tagsIn } from '../src/bus.ts'

describe('tagsIn', () => {
  it('returns the tags of a message', () => {
    expect(tagsIn('[">","a"]')).toEqual(['>', 'a'])
  })

  it.each(['', 'x', '{}', '[1]', '["a",null]', '[['])('does not know the content of %j', (message) => {
    expect(tagsIn(message)).toBeUndefined()
  })
})
